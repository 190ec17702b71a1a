"""`/openapi/v2`: everything in one document of Swagger 2.0, for clients that know nothing newer."""

from __future__ import annotations

from typing import Final

from kube_actors.server.cached_documents import check_read_only
from kube_actors.server.call import Call
from kube_actors.server.http import JSON, Response
from kube_actors.server.openapi.documents import documents_of
from kube_actors.server.reading.negotiation import negotiate

PROTOBUF: Final = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
OLD_PROTOBUF: Final = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
"""What kubectl asks for; no media type may have an `@`, so the answer is called by the other name."""


async def openapi_v2(call: Call) -> Response:
    """The document, in JSON or protobuf. ApiError 406 for those who take neither."""
    check_read_only(call)
    documents = documents_of(call.api.registry)
    if negotiate(call.request, (JSON, PROTOBUF, OLD_PROTOBUF)).media_type == JSON:
        return (await documents.version_2()).answer(call)
    return (await documents.version_2_protobuf()).answer(call, PROTOBUF)
