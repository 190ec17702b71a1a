"""cluster.yaml: the Cluster document and the manifests after it.

`files` reads them, `cluster_document` makes the configuration (`types`, by the rules of `schema`), `validation` judges
the whole, object by object (`objects`) and together (`pod_references`). Every problem of an input is told at once.
"""
