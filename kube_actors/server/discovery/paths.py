"""`/`: the paths that there are beside the resources."""

from __future__ import annotations

from kube_actors.api.codecs import json
from kube_actors.server.cached_documents import check_read_only
from kube_actors.server.call import Call
from kube_actors.server.discovery.groups import versions_by_group
from kube_actors.server.health import check_paths
from kube_actors.server.http import Full, Response
from kube_actors.server.routes import PATHS


async def paths(call: Call) -> Response:
    """`{"paths": [...]}`, sorted."""
    check_read_only(call)
    found = {path for path in PATHS if path != "/"} | {"/api/v1", "/apis/", "/openapi/v3/"}
    for group, versions in versions_by_group(call.api.registry).items():
        if group:
            found |= {f"/apis/{group}", *(f"/apis/{group}/{version}" for version in versions)}
    return Full(200, json.dumps_indented({"paths": sorted(found | check_paths(call.api))}))
