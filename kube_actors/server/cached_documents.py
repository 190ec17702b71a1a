"""Documents that change with the program only: made once, sent as bytes, known to clients by their hash."""

from __future__ import annotations

import hashlib
from typing import Any

import attrs

from kube_actors.api.codecs import json
from kube_actors.records import frozen
from kube_actors.server.call import Call
from kube_actors.server.http import JSON, Full, Headers
from kube_actors.server.routes import not_allowed

VARY: Headers = (("Vary", "Accept"),)


@frozen(eq=False)
class CachedDocument:
    """The bytes of a document, and a hash that changes when they do."""

    body: bytes = attrs.field(repr=False)
    hash: str

    @staticmethod
    def of(value: Any) -> CachedDocument:
        """A JSON document, known by its SHA-512 in capitals as with kube-apiserver."""
        body = json.dumps(value)
        return CachedDocument(body, hashlib.sha512(body).hexdigest().upper())

    def answer(self, call: Call, content_type: str = JSON, headers: Headers = ()) -> Full:
        """200 with the document, or 304 when the client has this very one (`If-None-Match`)."""
        tag = f'"{self.hash}"'
        headers = (("ETag", tag), *VARY, *headers)
        known = [each.strip().removeprefix("W/") for each in call.request.header("if-none-match").split(",")]
        if tag in known or "*" in known:
            return Full(304, b"", content_type, headers)
        return Full(200, self.body, content_type, headers)


def check_read_only(call: Call) -> None:
    """ApiError 405 for a method that is not for reading."""
    if call.request.method not in ("GET", "HEAD"):
        raise not_allowed()


def check_get(call: Call) -> None:
    """ApiError 405 for everything but GET: where Kubernetes routes by method, not even HEAD is known."""
    if call.request.method != "GET":
        raise not_allowed()
