"""What a person can do to a cluster, verb by verb: kubectl's words as typed functions.

The console and the embedding façades share them; nothing here knows of sockets or terminals. Reads answer only what is
durable, and what a write returns is durable too. `printing/` turns results into text and is pure.
"""
