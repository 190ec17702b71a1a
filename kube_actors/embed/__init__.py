"""A cluster inside somebody else's program: under trio, under asyncio, and in plain code.

Glossary
--------
source      What a cluster is to hold: a file, a directory, YAML text, an object, a `ClusterConfig`, or a list of these.
life        One running cluster, from its start to the end of its last process (`Life`).
verb        What can be done with it, the same three times: awaited in trio (`Cluster`) and in asyncio (`aio.Cluster`),
            called in plain code (`SyncCluster`).
portal      Carries calls into the trio run of a cluster that lives in a thread of its own.
stream      Something that goes on: a watch, a log that is followed. Bounded: a slow reader slows down its source.
gate        Lets virtual time pass only while somebody waits for the cluster.

Nothing here touches the process: no signals, logging, garbage collection, umask or directory.
"""
