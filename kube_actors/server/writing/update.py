"""PUT: an object, or a part of it that has a path of its own, as the client wants it from now on."""

from __future__ import annotations

from typing import Final

from kube_actors.errors import invalid
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.server.call import Call
from kube_actors.server.http import Response
from kube_actors.server.reading.negotiation import form_of
from kube_actors.server.writing.answers import written
from kube_actors.server.writing.bodies import read_body
from kube_actors.server.writing.options import WriteOptions, read_options
from kube_actors.server.writing.places import check_object_path, settle

# Kinds of which a PUT to a free name makes an object.
CREATED_BY_PUT: Final = frozenset(
    {
        "clusterrolebindings.rbac.authorization.k8s.io",
        "clusterroles.rbac.authorization.k8s.io",
        "endpoints",
        "events",
        "leases.coordination.k8s.io",
        "limitranges",
        "rolebindings.rbac.authorization.k8s.io",
        "roles.rbac.authorization.k8s.io",
        "runtimeclasses.node.k8s.io",
        "services",
    }
)
# Kinds whose PUT must say which revision it replaces.
VERSION_NEEDED: Final = frozenset(
    {
        "apiservices.apiregistration.k8s.io",
        "csidrivers.storage.k8s.io",
        "csinodes.storage.k8s.io",
        "csistoragecapacities.storage.k8s.io",
        "customresourcedefinitions.apiextensions.k8s.io",
        "leases.coordination.k8s.io",
        "mutatingadmissionpolicies.admissionregistration.k8s.io",
        "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        "poddisruptionbudgets.policy",
        "runtimeclasses.node.k8s.io",
        "validatingadmissionpolicies.admissionregistration.k8s.io",
        "validatingadmissionpolicybindings.admissionregistration.k8s.io",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "volumeattachments.storage.k8s.io",
    }
)


async def update(call: Call) -> Response:
    """200 with the object as stored, 201 for one that a PUT may create; 409 for a stale resourceVersion."""
    check_object_path(call)
    form_of(call)
    options = read_options(call, "UpdateOptions")
    body = await call.work.run(read_body, call, options.validation)
    settle(call, body)
    if call.key.resource in CREATED_BY_PUT and not call.info.subresource and call.api.store.get(call.key) is None:
        return await _create(call, body, options)
    _check_version(call, body)
    before = call.api.store.get(call.key)
    revision = await call.client.update(body, subresource=call.info.subresource, dry_run=options.dry_run)
    return await written(call, revision, before=before)


async def _create(call: Call, body: Body, options: WriteOptions) -> Response:
    """Whoever creates by PUT must be allowed to create."""
    call.check_allowed(call.attributes("create"))
    body["metadata"].pop("resourceVersion", None)
    revision = await call.client.create(body, namespace=call.info.namespace or None, dry_run=options.dry_run)
    return await written(call, revision, 201)


def _check_version(call: Call, body: Body) -> None:
    """422 for a body without resourceVersion where the kind wants one; an object that is not there is another error.

    Kubernetes names the resource here where other errors of this sort name the kind.
    """
    if call.key.resource not in VERSION_NEEDED or body["metadata"].get("resourceVersion"):
        return
    if call.api.store.get(call.key) is None:
        return
    why = "must be specified for an update"
    cause = causes.invalid("metadata.resourceVersion", 0, why)
    raise invalid(call.row.plural, call.info.name, [cause], group=call.row.group)
