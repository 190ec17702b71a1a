"""Objects as text: canonical JSON for storage and the wire, YAML for people."""
