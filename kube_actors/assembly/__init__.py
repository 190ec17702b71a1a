"""How a cluster is put together, part by part: `storage`, `ranges`, `readdressing`, `network`, `nodes`, `defaults`,
`pod_logs`.

Each module makes one part from the configuration; `kube_actors.cluster` nests them.
"""
