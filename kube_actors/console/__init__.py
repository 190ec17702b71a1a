"""The console: a unix socket on which people and programs drive a running cluster.

    conversation: request → command → verb → text

`server` accepts and checks peers, `connection` speaks the line protocol, `exchange` is one request with its streams,
`commands/` are the command lines, `client` and `prompt` are the other end.
"""
