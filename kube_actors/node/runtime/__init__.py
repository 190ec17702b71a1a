"""The container runtimes of a node behind one contract (`base`)."""
