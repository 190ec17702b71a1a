"""How a cluster is put together, part by part: `storage`, `ranges`, `network`, `nodes`, `defaults`.

Each module makes one part from the configuration; `kube_actors.cluster` nests them.
"""
