"""`/openapi/v2`: everything in one document of Swagger 2.0, for clients that know nothing newer."""

from __future__ import annotations

from kube_actors.server.cached_documents import check_read_only
from kube_actors.server.call import Call
from kube_actors.server.http import JSON, Response
from kube_actors.server.openapi.documents import documents_of
from kube_actors.server.reading.negotiation import negotiate


async def openapi_v2(call: Call) -> Response:
    """The document. ApiError 406 for those who take no JSON."""
    check_read_only(call)
    negotiate(call.request, (JSON,))
    return (await documents_of(call.api.registry).version_2()).answer(call)
