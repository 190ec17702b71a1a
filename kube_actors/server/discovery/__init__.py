"""What the server tells of itself: its groups, versions and resources, its paths, its version."""
