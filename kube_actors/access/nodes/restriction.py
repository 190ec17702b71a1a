"""NodeRestriction: what a kubelet may write of what the authorizer lets it: its own node, and its own pods.

`NodeRestriction` is the admission plugin; eviction and tokens, which are asked for and not stored, have functions of
their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from kube_actors.access.attributes import Attributes, Authorizer
from kube_actors.access.binding import Binding
from kube_actors.access.nodes.identity import NODE_PREFIX, NODES, node_of
from kube_actors.access.nodes.labels import forbidden_labels
from kube_actors.access.user import User
from kube_actors.api.certificate_request import read_request
from kube_actors.errors import ApiError, forbidden
from kube_actors.kinds.hooks import Body
from kube_actors.records import frozen
from kube_actors.store import Key, Revision, Store
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request, missing

MIRROR: Final = "kubernetes.io/config.mirror"
LEASE_NAMESPACE: Final = "kube-node-lease"
NODE_SIGNERS: Final = ("kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet")
CLAIM_STATUS: Final = ("capacity", "conditions", "allocatedResourceStatuses", "allocatedResources")
UNCOMPARED: Final = ("resourceVersion", "managedFields")
AUDIENCE_VERB: Final = "request-serviceaccounts-token-audience"
CREATE, UPDATE, DELETE = Operation.CREATE, Operation.UPDATE, Operation.DELETE


@frozen(eq=False)
class NodeRestriction:
    """The admission plugin for users of the group `system:nodes`; reads nodes from the store."""

    resources: ClassVar[Resources] = None
    store: Store

    def matches(self, request: Request) -> bool:
        """Whatever a kubelet writes."""
        return NODES in request.identity.groups

    def admit(self, request: Request) -> None:
        """ApiError 403 for what is none of this node's business."""
        node = node_of(request.identity.user, request.identity.groups)
        if node is None:
            return
        if not node:
            raise _refused(request, f'could not determine node from user "{request.identity.user}"')
        check = _CHECKS.get(request.resource.id)
        why = check(self.store, node, request) if check is not None else ""
        if why:
            raise _refused(request, why)


def check_eviction(store: Store, user: User, pod: Key) -> None:
    """ApiError 403 when a kubelet evicts the pod of another node, 404 when there is none."""
    node = node_of(user.name, user.groups)
    if node is not None and _node_name(_found(store, pod)) != node:
        why = f"node {node} can only evict pods with spec.nodeName set to itself"
        raise forbidden("pods", pod.name, why)


def check_token_request(
    store: Store, authorizer: Authorizer, user: User, account: Key, binding: Binding | None, audiences: Sequence[str]
) -> None:
    """ApiError 403 when a kubelet asks for a token that is not bound to a pod of its node, or is for somebody whom that
    pod does not name."""
    node = node_of(user.name, user.groups)
    if node is None:
        return
    why = _token_problem(store, node, account, binding)
    if not why and binding is not None:
        pod = _found(store, Key("pods", account.namespace, binding.name)).body()
        why = _audience_problem(authorizer, user, account, pod, audiences)
    if why:
        raise forbidden("serviceaccounts", account.name, why)


def _token_problem(store: Store, node: str, account: Key, binding: Binding | None) -> str:
    if binding is None or (binding.api_version, binding.kind) != ("v1", "Pod") or not binding.name:
        return "node requested token not bound to a pod"
    if not binding.uid:
        return "node requested token with a pod binding without a uid"
    pod = _found(store, Key("pods", account.namespace, binding.name))
    if pod.uid != binding.uid:
        what = f"the UID in the bound object reference ({binding.uid}) does not match the UID in record"
        return f"{what}. The object might have been deleted and then recreated"
    if _node_name(pod) != node:
        return "node requested token bound to a pod scheduled on a different node"
    return ""


def _audience_problem(authorizer: Authorizer, user: User, account: Key, pod: Body, audiences: Sequence[str]) -> str:
    """A token may be for the API server, for those the pod's volumes name, and for those a role names."""
    if len(audiences) > 1:
        return "node may only request 0 or 1 audiences"
    audience = audiences[0] if audiences else ""
    sources = (
        source.get("serviceAccountToken")
        for volume in pod["spec"].get("volumes") or ()
        for source in (volume.get("projected") or {}).get("sources") or ()
    )
    if not audience or any((source or {}).get("audience") == audience for source in sources):
        return ""
    wish = Attributes(user, AUDIENCE_VERB, "", "v1", audience, namespace=account.namespace, name=account.name)
    if authorizer.decide(wish).allowed:
        return ""
    return (
        f'audience "{audience}" not found in pod spec volume, '
        f"{user.name} is not authorized to request tokens for this audience"
    )


# --- what is stored. Each check answers why the request is refused, or nothing.


def _pod(store: Store, node: str, request: Request) -> str:
    if request.subresource == "status":
        return _pod_status(node, request)
    if request.subresource:
        return f"unexpected pod subresource \"{request.subresource}\", only 'status' and 'eviction' are allowed"
    match request.operation:
        case Operation.CREATE:
            return _mirror_pod(store, node, request.new)
        case Operation.DELETE:
            bound = (request.old or {}).get("spec", {}).get("nodeName") == node
            return "" if bound else f'node "{node}" can only delete pods with spec.nodeName set to itself'
        case _:
            what = f'unexpected operation "{request.operation.value}"'
            return f'{what}, node "{node}" can only create and delete mirror pods'


def _pod_status(node: str, request: Request) -> str:
    old, new = request.old or {}, request.new
    if old["spec"].get("nodeName") != node:
        return f'node "{node}" can only update pod status for pods with spec.nodeName set to itself'
    if (old["metadata"].get("labels") or {}) != (new["metadata"].get("labels") or {}):
        return f'node "{node}" cannot update labels through pod status'
    claims = [(each.get("status") or {}).get("resourceClaimStatuses") or [] for each in (old, new)]
    return "" if claims[0] == claims[1] else f'node "{node}" cannot update resource claim statues'


def _mirror_pod(store: Store, node: str, pod: Body) -> str:
    metadata, spec = pod["metadata"], pod.get("spec") or {}
    if MIRROR not in (metadata.get("annotations") or {}):
        return f'pod does not have "{MIRROR}" annotation, node "{node}" can only create mirror pods'
    if spec.get("nodeName") != node:
        return f'node "{node}" can only create pods with spec.nodeName set to itself'
    return _owner_problem(store, node, metadata.get("ownerReferences") or []) or _naming_problem(node, pod)


def _owner_problem(store: Store, node: str, owners: Sequence[Mapping[str, Any]]) -> str:
    only = f'node "{node}" can only create pods with'
    if len(owners) > 1:
        return f"{only} a single owner reference set to itself"
    owner = owners[0] if owners else {}
    if (owner.get("apiVersion"), owner.get("kind"), owner.get("name")) != ("v1", "Node", node):
        return f"{only} an owner reference set to itself"
    if not owner.get("controller"):
        return f"{only} a controller owner reference set to itself"
    if owner.get("blockOwnerDeletion"):
        return f'node "{node}" must not set blockOwnerDeletion on an owner reference'
    found = _found(store, Key("nodes", "", node))
    return (
        ""
        if owner.get("uid") == found.uid
        else f"node {node} UID mismatch: expected {owner.get('uid')} got {found.uid}"
    )


def _naming_problem(node: str, pod: Body) -> str:
    """A mirror pod names no other object: its node got it from elsewhere, and could read through it."""
    from kube_actors.access.nodes.relations import CLAIMS, CONFIG_MAPS, SECRETS, objects_named

    spec = pod["spec"]
    cannot = f'node "{node}" can not create pods that reference'
    if spec.get("serviceAccountName"):
        return f"{cannot} a service account"
    named = {resource for resource, _ in objects_named("", spec)}
    for resource in (SECRETS, CONFIG_MAPS):
        if resource in named:
            return f"{cannot} {resource}"
    sources = [
        each for volume in spec.get("volumes") or () for each in (volume.get("projected") or {}).get("sources") or ()
    ]
    if any("clusterTrustBundle" in source for source in sources):
        return f"{cannot} clustertrustbundles"
    return f"{cannot} {CLAIMS}" if CLAIMS in named else ""


def _node(store: Store, node: str, request: Request) -> str:
    name, new = request.key.name, request.new
    if name != node:
        return f'node "{node}" is not allowed to modify node "{name}"'
    if request.operation is DELETE:
        return ""
    labels = new["metadata"].get("labels") or {}
    spec = new.get("spec") or {}
    if request.operation is CREATE:
        if spec.get("configSource"):
            return f'node "{node}" is not allowed to create pods with a non-nil configSource'
        bad = forbidden_labels(labels, {})
        return f'node "{node}" is not allowed to set the following labels: {", ".join(bad)}' if bad else ""
    old = request.old or {}
    before = old.get("spec") or {}
    if spec.get("configSource") and spec["configSource"] != before.get("configSource"):
        return f'node "{node}" is not allowed to update configSource to a new non-nil configSource'
    if (spec.get("taints") or []) != (before.get("taints") or []):
        return f'node "{node}" is not allowed to modify taints'
    bad = forbidden_labels(labels, old["metadata"].get("labels") or {})
    return f"is not allowed to modify labels: {', '.join(bad)}" if bad else ""


def _claim(store: Store, node: str, request: Request) -> str:
    if request.subresource != "status":
        return "may only update PVC status"
    if _settled(request.new) == _settled(request.old or {}):
        return ""
    return f'node "{node}" is not allowed to update fields other than status.capacity and status.conditions'


def _settled(claim: Body) -> Body:
    """What a node may not change of a claim."""
    metadata = {name: value for name, value in claim["metadata"].items() if name not in UNCOMPARED}
    status = {name: value for name, value in (claim.get("status") or {}).items() if name not in CLAIM_STATUS}
    return {**claim, "metadata": metadata, "status": status}


def _lease(store: Store, node: str, request: Request) -> str:
    if request.key.namespace != LEASE_NAMESPACE:
        return f'can only access leases in the "{LEASE_NAMESPACE}" system namespace'
    own = request.key.name == node
    return "" if own else "can only access node lease with the same name as the requesting node"


def _csi_node(store: Store, node: str, request: Request) -> str:
    own = request.key.name == node
    return "" if own else "can only access CSINode with the same name as the requesting node"


def _slice(store: Store, node: str, request: Request) -> str:
    body = request.new if request.operation is CREATE else request.old or {}
    if request.operation is UPDATE or (body.get("spec") or {}).get("nodeName") == node:
        return ""
    return f"can only {request.operation.value.lower()} ResourceSlice with the same NodeName as the requesting node"


def _certificate_request(store: Store, node: str, request: Request) -> str:
    spec = request.new.get("spec") or {}
    if request.operation is not CREATE or spec.get("signerName") not in NODE_SIGNERS:
        return ""
    try:
        name = read_request(spec.get("request") or "").common_name
    except ValueError as error:
        return f"unable to parse csr: {error}"
    return "" if name == f"{NODE_PREFIX}{node}" else f"can only create a node CSR with CN={NODE_PREFIX}{node}"


_CHECKS: Final[Mapping[str, Callable[[Store, str, Request], str]]] = {
    "pods": _pod,
    "nodes": _node,
    "persistentvolumeclaims": _claim,
    "leases.coordination.k8s.io": _lease,
    "csinodes.storage.k8s.io": _csi_node,
    "resourceslices.resource.k8s.io": _slice,
    "certificatesigningrequests.certificates.k8s.io": _certificate_request,
}


def _refused(request: Request, why: str) -> ApiError:
    return forbidden(request.key.plural, request.key.name, why, group=request.key.group)


def _found(store: Store, key: Key) -> Revision:
    revision = store.get(key)
    if revision is None:
        raise missing(key)
    return revision


def _node_name(pod: Revision) -> str:
    name: str = pod.body()["spec"].get("nodeName", "")
    return name
