"""The file of a cluster's state, of the standard library only: `database` is its SQL, `committer` the process that
writes it, `frames` how that process is spoken to.

The process is an interpreter that sees nothing installed, so nothing here imports anything from outside.
"""
