"""What the edge hands on and takes back: a whole request, and the four shapes an answer can have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

import attrs
import trio

from kube_actors.records import define, frozen
from kube_actors.server.request_info import is_true

JSON: Final = "application/json"
Headers = tuple[tuple[str, str], ...]


@frozen
class Peer:
    """Who is at the other end of the connection.

    `certificate` is the client's in DER, checked against the cluster's authority; `is_stranger` says that the client
    showed one that is not. `is_owner`: the connection came over the private socket of the cluster's owner, who needs no
    credentials.
    """

    address: str
    certificate: bytes | None = attrs.field(default=None, repr=False)
    is_owner: bool = False
    is_stranger: bool = False


class Incoming(Protocol):
    """A body that is still coming in."""

    async def receive(self) -> bytes:
        """The next piece; empty at the end. ApiError for what cannot be read, BrokenResourceError when the client goes.

        A receive that is cancelled has taken nothing.
        """


@define(slots=True)
class HttpRequest:
    """One request, complete with its body. Names of headers are in lower case; values of one given twice are joined
    by `, `. `path` is percent-decoded, `raw_path` as it was sent; `query` maps a name to its values in order.

    `incoming` is the body of a request that is to be passed on to somebody else; `body` is empty then.
    """

    method: str
    path: str
    raw_path: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    peer: Peer
    incoming: Incoming | None = None

    def parameter(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default

    def flag(self, name: str) -> bool:
        """Whether a flag of the query is true: there, and neither `0` nor `false`."""
        return is_true(self.query.get(name))

    def header(self, name: str) -> str:
        """A header by its name in lower case; empty when it was not sent."""
        return self.headers.get(name, "")

    @property
    def upgrade(self) -> str:
        """The protocol the client wants to go on with, in lower case: `websocket`, `spdy/3.1`; usually empty."""
        wanted = "upgrade" in self.header("connection").lower()
        return self.header("upgrade").lower() if wanted else ""


@frozen
class Full:
    """A whole answer. `body` may come in pieces that are sent one after the other without being joined first.

    `compressible`: the edge may send it as gzip when the client takes that.
    """

    status: int
    body: bytes | tuple[bytes, ...] = attrs.field(repr=False)
    content_type: str = JSON
    headers: Headers = ()
    compressible: bool = True


class Send(Protocol):
    """Sends a part of a stream, which may come in pieces that are not joined first; returns when the client's side has
    room for more."""

    async def __call__(self, data: bytes | tuple[bytes, ...], /) -> None: ...


@frozen
class Streaming:
    """An answer in parts (chunked) for as long as `write` runs. It is cancelled when the client goes away."""

    status: int
    write: Callable[[Send], Awaitable[None]]
    content_type: str = JSON
    headers: Headers = ()


@frozen
class Upgrade:
    """`101 Switching Protocols`: from now on `run` owns the connection, and the edge closes it when that returns.

    The stream begins with whatever the client has sent already; it is cancelled when the server drains.
    """

    protocol: str
    run: Callable[[trio.abc.Stream], Awaitable[None]]
    headers: Headers = ()


Response = Full | Streaming | Upgrade
Handler = Callable[[HttpRequest], Awaitable[Response]]
