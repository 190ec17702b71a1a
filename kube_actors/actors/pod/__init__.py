"""The Pod actor: brings one pod up on its node, keeps it up, reports it, and ends it.

`actor` hears and decides, `specs` says what to run, `work` does what takes long, `probes` asks the containers how they
are, `ending` takes the pod down, `reporting` writes what became of it.
"""
