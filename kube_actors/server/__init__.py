"""The Kubernetes API over HTTP.

* The *edge* listens, speaks TLS and HTTP/1.1, keeps limits and hands whole requests to one handler.
* A *call* is one request on its way: who it comes from, what it is about, what the client is to be warned of.
* The *chain* takes a call through authentication, impersonation and authorization to the function for its verb.
* Everything that goes wrong is an `ApiError`, and becomes a `Status` in one place.
"""
