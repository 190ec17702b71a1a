"""Whole clusters, used as a person uses them: real processes, requests, faults, and nothing left at the end.

`stage` runs a cluster and looks at it, `manifests` writes pods, `load` makes requests, `footprint` looks for leftovers,
`far_runtime` is a cluster in a process of its own that can be killed.
"""
