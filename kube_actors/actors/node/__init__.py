"""The Node actor: registers its Node object, sends heartbeats, admits pods, owns the runtime, supervises its pods.

`actor` takes messages, serves the runtime and plays the node's faults; `presence` is the node as the API shows it (what
it says is in `registration`), `residents` are its pods and their shares (counted in `admission`), `link` its way to the
control plane.
"""
