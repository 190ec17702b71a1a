"""cluster.yaml: the Cluster document and the manifests after it, read into `ClusterConfig` with every problem at once."""
