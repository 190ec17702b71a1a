"""`/openapi/v3` and the documents below it."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Final
from urllib.parse import quote

from kube_actors.server.cached_documents import VARY, check_read_only
from kube_actors.server.call import Call
from kube_actors.server.http import JSON, Full, Headers, Response
from kube_actors.server.openapi.documents import documents_of
from kube_actors.server.reading.negotiation import negotiate
from kube_actors.server.routes import no_such_path

PROTOBUF: Final = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf"
OLD_PROTOBUF: Final = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf"
"""What clients written in Go ask for; no media type may have an `@`, so the answer is called by the other name."""
_YEAR: Final = 365 * 24 * 60 * 60  # seconds


async def index(call: Call) -> Response:
    """Where the document of each group and version is: in JSON, whatever the client would rather have."""
    check_read_only(call)
    return documents_of(call.api.registry).index.answer(call)


async def group_version(call: Call) -> Response:
    """The document of one group and version in JSON or protobuf. ApiError 404 when there is none, 406 for those who
    take neither.

    With the hash of the index it may be kept for good; with another one the client is sent to the right one.
    """
    check_read_only(call)
    media_type = negotiate(call.request, (JSON, PROTOBUF, OLD_PROTOBUF)).media_type
    documents, path = documents_of(call.api.registry), call.info.path.strip("/").removeprefix("openapi/v3/")
    if path not in documents.paths:
        raise no_such_path()
    wanted = call.request.parameter("hash")
    if wanted and wanted != documents.paths[path]:
        return Full(301, b"", headers=(("Location", quote(documents.url(path), safe="/?=")), *VARY))
    headers = _for_good() if wanted else ()
    if media_type == JSON:
        return (await documents.version_3(path)).answer(call, headers=headers)
    return (await documents.version_3_protobuf(path)).answer(call, PROTOBUF, headers)


def _for_good() -> Headers:
    expires = formatdate(time.time() + _YEAR, usegmt=True)
    return (("Cache-Control", "public, immutable"), ("Expires", expires))
