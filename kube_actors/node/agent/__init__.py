"""Keeper and agent: the two processes that own what runs on a machine for one cluster.

Standard library only, started as a fresh interpreter that sees nothing but this directory. Words used here:

keeper      parent of everything; holds descriptors and records, reaps, restarts the agent (`keeper`)
agent       single-threaded loop that makes sandboxes, starts containers, pumps logs (`agent`, `loop`)
record      what the keeper remembers for the agent: a JSON value and descriptors under a key (`records`)
tier        what the machine lets us do: A root, B user namespaces, C neither (`probe`)
sandbox     a pod's network, IPC and host name, its volumes and files (`sandboxes`, `volumes`)
container   one program in a sandbox, with its root, log and exit (`containers`, `spawn`, `rootfs`)
subreaper   small parent that keeps what a program started together where no pid namespace does (`subreaper`)
"""
