"""OpenID Connect discovery: with it others check tokens of service accounts without asking the API server."""

from __future__ import annotations

from typing import Final

from kube_actors.access.tokens import ServiceAccountTokens
from kube_actors.api.codecs import json
from kube_actors.server.cached_documents import check_get
from kube_actors.server.call import Call
from kube_actors.server.http import Full, Response

KEYS_PATH: Final = "/openid/v1/jwks"
KEYS_TYPE: Final = "application/jwk-set+json"
HEADERS: Final = (("Cache-Control", "public, max-age=3600"),)
"""The key stays the same for as long as the cluster's state is kept."""


async def configuration(call: Call) -> Response:
    """The provider's metadata (OpenID Connect Discovery 1.0, section 4.2)."""
    check_get(call)
    tokens = call.api.part(ServiceAccountTokens)
    document = {
        "issuer": tokens.issuer,
        "jwks_uri": f"{tokens.issuer}{KEYS_PATH}",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [tokens.key.algorithm],
    }
    return Full(200, json.dumps(document), headers=HEADERS)


async def keys(call: Call) -> Response:
    """The public key as a JSON Web Key Set (RFC 7517)."""
    check_get(call)
    key = call.api.part(ServiceAccountTokens).key
    return Full(200, json.dumps({"keys": [key.published()]}), KEYS_TYPE, HEADERS)
