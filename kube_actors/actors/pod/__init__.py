"""The Pod actor: brings one pod up on its node, keeps it up, reports it, and ends it.

`actor` is the turn of its life: it takes messages, asks the plan, and passes on what to do. `known` is what it knows,
`hearing` changes that with each fact (`facts`, `words`), `performing` begins what the plan says: `work` does what takes
long, `specs` says what to run, `stopping` and `probes` keep the alarms of containers. `reporting` writes what became of
the pod; `world` is what all of them are given of their node.
"""
