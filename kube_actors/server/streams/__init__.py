"""Everything of the API that goes on after its first answer: exec, attach, port-forward, logs and the proxies.

* *Channels* are numbered streams inside WebSocket messages (`v5.channel.k8s.io` and older).
* *SPDY/3.1* carries streams in frames, on the bare connection or tunnelled in a WebSocket.
* A *client's streams* (`client_streams`) are what both come to: input and sizes in, output and a final status out.
"""
