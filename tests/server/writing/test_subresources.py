"""Parts of objects with paths of their own: status, scale, binding, finalize, ephemeralcontainers, resize."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.server.writing.stage import APPLY, DEPLOYMENTS, MERGE, PODS, STRATEGIC, Caller, deployment, managers, pod

WEB = f"{DEPLOYMENTS}/web"
SCALE = f"{WEB}/scale"
BINDINGS = "/api/v1/namespaces/default/bindings"


def _certificate_request() -> str:
    """A PKCS#10 request for the name `bob` in PEM, as base64."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bob")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()


@pytest.fixture
async def web(call: Caller) -> Caller:
    """A client of a cluster with the Deployment `web`."""
    await call("POST", DEPLOYMENTS, deployment(replicas=1))
    return call


async def test_status_and_the_rest_are_apart(web: Caller) -> None:
    """A write of the status leaves the spec alone, and the other way round."""
    both = {"spec": {"replicas": 9}, "status": {"replicas": 4}}
    body = (await web("PATCH", f"{WEB}/status", both, MERGE)).body
    assert (body["spec"]["replicas"], body["status"]["replicas"]) == (1, 4)
    body = (await web("PATCH", WEB, {"spec": {"replicas": 2}, "status": {"replicas": 7}}, MERGE)).body
    assert (body["spec"]["replicas"], body["status"]["replicas"]) == (2, 4)
    body["status"]["replicas"] = 5
    assert (await web("PUT", f"{WEB}/status", body)).body["status"]["replicas"] == 5
    assert (await web("GET", f"{WEB}/status")).body["status"]["replicas"] == 5
    assert ("tester", "Update", "status") in managers(body)


STORAGE = "/apis/storage.k8s.io/v1/volumeattachments"
JOBS = "/apis/batch/v1/namespaces/default/jobs"
_DISK = {"attacher": "example.com", "nodeName": "n", "source": {"persistentVolumeName": "v"}}
_WORK = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "app:1"}]}}}


@pytest.mark.parametrize(
    ("collection", "spec", "changed"),
    [
        (JOBS, _WORK, {"annotations", "labels"}),
        (PODS, pod()["spec"], {"annotations", "labels"}),
        (DEPLOYMENTS, deployment()["spec"], {"annotations"}),
        (STORAGE, _DISK, set()),
    ],
)
async def test_metadata_with_a_status(call: Caller, collection: str, spec: Any, changed: set[str]) -> None:
    """A write of the status may change annotations and labels too, of most kinds; some keep them."""
    created = await call("POST", collection, {"metadata": {"name": "one"}, "spec": spec})
    assert created.code == 201, created.body
    change = {"metadata": {"annotations": {"sent": "yes"}, "labels": {"sent": "yes"}}}
    metadata = (await call("PATCH", f"{collection}/one/status", change, MERGE)).body["metadata"]
    assert {part for part in ("annotations", "labels") if "sent" in metadata.get(part, {})} == changed


SERVICES = "/api/v1/namespaces/default/services"
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"


@pytest.mark.parametrize(
    ("status", "addresses"),
    [
        ({"podIP": "10.0.0.1"}, ["10.0.0.1"]),
        ({"podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}]}, ["10.0.0.1", "fd00::1"]),
        ({"podIP": "10.0.0.2", "podIPs": [{"ip": "10.0.0.1"}]}, ["10.0.0.2"]),
    ],
)
async def test_the_addresses_of_a_pod(call: Caller, status: Any, addresses: list[str]) -> None:
    """Either field is enough; where both differ the older one counts, as old kubelets know no other."""
    await call("POST", PODS, pod("web"))
    reply = await call("PATCH", f"{PODS}/web/status", {"status": status}, content_type=MERGE)
    assert [each["ip"] for each in reply.body["status"]["podIPs"]] == addresses
    assert reply.body["status"]["podIP"] == addresses[0]


async def test_what_a_load_balancer_reports(call: Caller) -> None:
    """Addresses and names where traffic comes in, of services only where they have a load balancer."""
    ports = [{"port": 80}]
    for name, kind in (("plain", "ClusterIP"), ("balanced", "LoadBalancer")):
        spec = {"type": kind, "ports": ports, "clusterIP": "None" if kind == "ClusterIP" else ""}
        await call("POST", SERVICES, {"metadata": {"name": name}, "spec": spec})
    backend = {"service": {"name": "balanced", "port": {"number": 80}}}
    await call("POST", INGRESSES, {"metadata": {"name": "web"}, "spec": {"defaultBackend": backend}})

    async def report(path: str, *points: Any) -> Any:
        return await call("PATCH", f"{path}/status", {"status": {"loadBalancer": {"ingress": [*points]}}}, MERGE)

    field = "status.loadBalancer.ingress"
    refused = await report(f"{SERVICES}/plain", {"ip": "192.0.2.1"})
    assert refused.causes == [f'{field}: Forbidden: may only be used when `spec.type` is "LoadBalancer"']
    stored = (await report(f"{SERVICES}/balanced", {"ip": "192.0.2.1"}, {"hostname": "lb.example.com"})).body["status"]
    assert stored["loadBalancer"]["ingress"] == [{"ip": "192.0.2.1", "ipMode": "VIP"}, {"hostname": "lb.example.com"}]
    wrong = (await report(f"{SERVICES}/balanced", {"hostname": "192.0.2.1", "ipMode": "VIP"})).causes
    assert f'{field}[0].hostname: Invalid value: "192.0.2.1": must be a DNS name, not an IP address' in wrong
    assert f"{field}[0].ipMode: Forbidden: may not be specified when `ip` is not set" in wrong
    without = await call("PATCH", f"{SERVICES}/balanced", {"spec": {"type": "ClusterIP"}}, MERGE)
    assert (without.code, without.body["status"]) == (200, {"loadBalancer": {}})
    assert (await report(f"{INGRESSES}/web", {"ip": "nowhere"})).code == 422
    assert (await report(f"{INGRESSES}/web", {"ip": "192.0.2.1"})).code == 200


async def test_applied_status(web: Caller) -> None:
    """Server-side apply of a status owns it under that subresource."""
    configuration = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
    reply = await web.apply(f"{WEB}/status", {**configuration, "status": {"replicas": 1}})
    assert (reply.code, reply.body["status"], ("me", "Apply", "status") in managers(reply.body)) == (
        200,
        {"replicas": 1},
        True,
    )


async def test_a_part_of_nothing(call: Caller) -> None:
    """404 for every write to a part of an object that is not there; applying makes none."""
    configuration = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
    assert (await call.apply(f"{WEB}/status", {**configuration, "status": {"replicas": 1}})).code == 404
    assert (await call("PUT", f"{WEB}/status", configuration)).code == 404
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}, "spec": {"replicas": 1}}
    assert (await call.apply(SCALE, scale)).code == 404
    assert (await call("PUT", SCALE, scale)).code == 404
    assert (await call("GET", SCALE)).code == 404


async def test_what_a_path_resets_is_not_owned_by_appliers(call: Caller) -> None:
    """A whole configuration owns its spec when it is applied to the object, its status when applied to that."""
    whole = {**deployment(replicas=2), "status": {"replicas": 3}}
    created = (await call.apply(WEB, whole, "one")).body
    owned = [list(each["fieldsV1"]) for each in created["metadata"]["managedFields"]]
    assert (created["status"], owned) == ({}, [["f:spec"]])
    other = {**deployment(replicas=9), "status": {"replicas": 3}}
    reply = await call.apply(f"{WEB}/status", other, "two")
    assert (reply.code, reply.body["spec"]["replicas"], reply.body["status"]) == (200, 2, {"replicas": 3})
    entries = {each["manager"]: list(each["fieldsV1"]) for each in reply.body["metadata"]["managedFields"]}
    assert entries == {"one": ["f:spec"], "two": ["f:status"]}


async def test_applied_ephemeral_containers_and_resources(call: Caller) -> None:
    """Through these paths an applier owns just that part of the pod."""
    await call("POST", PODS, pod())
    frame = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"a": "b"}}}
    debugger = {"name": "debug", "image": "busybox"}
    spec = {"hostname": "x", "containers": [{"name": "app", "image": "other"}], "ephemeralContainers": [debugger]}
    reply = await call.apply(f"{PODS}/web/ephemeralcontainers", {**frame, "spec": spec})
    owned = next(each for each in reply.body["metadata"]["managedFields"] if each["manager"] == "me")
    assert (reply.code, list(owned["fieldsV1"]["f:spec"])) == (200, ["f:ephemeralContainers"])
    assert reply.body["spec"]["containers"][0]["image"] == "nginx"


async def test_kinds_without_a_status(call: Caller) -> None:
    """404 for a part that the kind does not have."""
    assert (await call("GET", "/api/v1/namespaces/default/configmaps/a/status")).code == 404


async def test_scale(web: Caller) -> None:
    """GET, PUT, PATCH and apply of the Scale; each changes the Deployment's replicas."""
    scale = (await web("GET", SCALE)).body
    assert (scale["kind"], scale["spec"], scale["status"]) == (
        "Scale",
        {"replicas": 1},
        {"replicas": 0, "selector": "app=web"},
    )
    put = await web("PUT", SCALE, {**scale, "spec": {"replicas": 3}})
    assert (put.code, put.body["kind"], put.body["spec"]["replicas"]) == (200, "Scale", 3)
    assert (await web("PUT", SCALE, scale)).code == 409, "the Scale that was read is an old one by now"
    below = await web("PUT", SCALE, {**scale, "spec": {"replicas": -1}})
    assert below.code == 422, "and what no Scale can say is told first"
    assert (await web("PATCH", SCALE, {"spec": {"replicas": 4}}, MERGE)).body["spec"]["replicas"] == 4
    applied = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}, "spec": {"replicas": 5}}
    assert (await web.apply(SCALE, applied)).code == 409
    assert (await web.apply(SCALE, applied, query="&force=true")).body["spec"]["replicas"] == 5
    owned = managers((await web("GET", WEB)).body)
    assert ("me", "Apply", "scale") in owned
    none = await web("PATCH", SCALE, {"spec": {"replicas": 0}}, MERGE)
    assert (none.body["spec"], (await web("GET", WEB)).body["spec"]["replicas"]) == ({}, 0), "a Scale leaves zero out"


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"spec": {"replicas": -1}}, 422, "must be greater than or equal to 0"),
        ({"spec": {"replicas": "x"}}, 400, "json: cannot unmarshal string into Go struct field ScaleSpec"),
        ({"spec": {"replicas": 2**40}}, 400, "json: cannot unmarshal number 1099511627776 into Go struct field"),
        ({"metadata": {"name": "other"}}, 400, "does not match the name on the URL"),
        ({"metadata": {"resourceVersion": "1"}}, 409, "the object has been modified"),
    ],
)
async def test_scales_that_do_not_fit(web: Caller, change: Any, code: int, message: str) -> None:
    """Refused, by PUT and by PATCH; what cannot be read is a patch that does not apply."""
    reply = await web("PATCH", SCALE, change, MERGE)
    patched = 422 if message.startswith("json: ") else code
    assert (reply.code, message in reply.message) == (patched, True), reply.message
    scale = (await web("GET", SCALE)).body
    changed = {
        name: {**value, **change.get(name, {})} if isinstance(value, dict) else value for name, value in scale.items()
    }
    assert (await web("PUT", SCALE, changed)).code == code


async def test_binding(call: Caller) -> None:
    """201 with a Status; a pod is bound once."""
    await call("POST", PODS, pod())
    target = {"target": {"kind": "Node", "name": "n1"}}
    assert (await call("POST", f"{PODS}/web/binding?dryRun=All", target)).code == 201
    bound = await call("POST", BINDINGS, {"metadata": {"name": "web"}, **target})
    assert (bound.code, bound.body["status"]) == (201, "Success")
    assert (await call("GET", f"{PODS}/web")).body["spec"]["nodeName"] == "n1"
    again = await call("POST", f"{PODS}/web/binding", target)
    assert (again.code, again.body["details"]["kind"]) == (409, "pods/binding")
    assert again.message.endswith('on pods/binding "web": pod web is already assigned to node "n1"')


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"target": {"kind": "Node"}}, 422),
        ({"target": {"kind": "Pod", "name": "n"}}, 422),
        ({"target": 3}, 400),
        ({"metadata": {"uid": "x"}, "target": {"name": "n"}}, 409),
    ],
)
async def test_wrong_bindings(call: Caller, body: Any, code: int) -> None:
    """Refused."""
    await call("POST", PODS, pod())
    assert (await call("POST", f"{PODS}/web/binding", body)).code == code


async def test_finalize(call: Caller) -> None:
    """The last finalizer of an ending namespace lets it go; no other write takes one away."""
    await call("POST", "/api/v1/namespaces", {"metadata": {"name": "x"}})
    body = (await call("DELETE", "/api/v1/namespaces/x")).body
    body["spec"]["finalizers"] = []
    assert (await call("PUT", "/api/v1/namespaces/x", body)).body["spec"]["finalizers"] == ["kubernetes"]
    body["metadata"].pop("resourceVersion")
    assert (await call("PUT", "/api/v1/namespaces/x/finalize", body)).code == 200
    assert (await call("GET", "/api/v1/namespaces/x")).code == 404


async def test_ephemeral_containers_are_only_added(call: Caller) -> None:
    """As `kubectl debug` does it; nothing else of the pod changes, and what was added stays as it is."""
    await call("POST", PODS, pod())
    path = f"{PODS}/web/ephemeralcontainers"
    debugger = {"name": "debug", "image": "busybox", "targetContainerName": "app"}
    patch = {"metadata": {"labels": {"a": "b"}}, "spec": {"hostname": "x", "ephemeralContainers": [debugger]}}
    body = (await call("PATCH", path, patch, STRATEGIC)).body
    assert [each["name"] for each in body["spec"]["ephemeralContainers"]] == ["debug"]
    assert ("hostname" in body["spec"], "labels" in body["metadata"]) == (False, False)
    changed = {"spec": {"ephemeralContainers": [{**debugger, "image": "other"}]}}
    reply = await call("PATCH", path, changed, STRATEGIC)
    message = 'Forbidden: existing ephemeral containers "debug" may not be changed'
    assert (reply.code, reply.causes) == (422, [f"spec.ephemeralContainers: {message}"])
    reply = await call("PATCH", path, {"spec": {"ephemeralContainers": None}}, MERGE)
    message = 'Forbidden: existing ephemeral containers "debug" may not be removed'
    assert (reply.code, reply.causes) == (422, [f"spec.ephemeralContainers: {message}"])


@pytest.mark.parametrize(
    ("container", "cause"),
    [
        ({"image": "i"}, "name: Required value"),
        ({"name": "d"}, "image: Required value"),
        ({"name": "app", "image": "i"}, 'name: Duplicate value: "app"'),
        ({"name": "d", "image": "i", "ports": [{"containerPort": 1}]},
         "ports: Forbidden: cannot be set for an Ephemeral Container"),
        ({"name": "d", "image": "i", "resources": {"limits": {"cpu": "1"}}},
         "resources: Forbidden: cannot be set for an Ephemeral Container"),
        ({"name": "d", "image": "i", "targetContainerName": "none"}, 'targetContainerName: Not found: "none"'),
    ],
)  # fmt: skip
async def test_wrong_ephemeral_containers(call: Caller, container: Any, cause: str) -> None:
    """422 in Kubernetes' words."""
    await call("POST", PODS, pod())
    path = f"{PODS}/web/ephemeralcontainers"
    reply = await call("PATCH", path, {"spec": {"ephemeralContainers": [container]}}, MERGE)
    assert (reply.code, f"spec.ephemeralContainers[0].{cause}" in reply.causes) == (422, True), reply.causes


def _resized(**resources: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "app", "resources": resources}]}}


async def test_resize(call: Caller) -> None:
    """Resources of a container change, and nothing else; the pod's own path does not change them."""
    body = pod()
    body["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "100m", "memory": "64Mi"}}
    await call("POST", PODS, body)
    assert (await call("PATCH", f"{PODS}/web", _resized(requests={"cpu": "200m"}), STRATEGIC)).code == 422
    patch = _resized(requests={"cpu": "200m"})
    patch["spec"]["containers"][0]["image"] = "other"
    resized = (await call("PATCH", f"{PODS}/web/resize", patch, STRATEGIC)).body
    container = resized["spec"]["containers"][0]
    assert (container["image"], container["resources"]["requests"]) == ("nginx", {"cpu": "200m", "memory": "64Mi"})
    assert resized["metadata"]["generation"] == 2


async def test_resize_of_the_whole(call: Caller) -> None:
    """What a pod has as a whole changes too, within the same bounds."""
    body = pod()
    body["spec"]["resources"] = {"limits": {"cpu": "1"}, "requests": {"cpu": "500m"}}
    await call("POST", PODS, body)

    async def resize(**resources: Any) -> Any:
        return await call("PATCH", f"{PODS}/web/resize", {"spec": {"resources": resources}}, STRATEGIC)

    changed = (await resize(limits={"cpu": "2"})).body
    assert changed["spec"]["resources"] == {"limits": {"cpu": "2"}, "requests": {"cpu": "500m"}}
    removed = await resize(limits={"cpu": None})
    assert removed.causes[0] == "spec.resources.limits: Forbidden: resource limits cannot be removed"
    assert (await resize(requests={"cpu": "3"})).code == 422
    spec = {"containers": [{"name": "app"}], "resources": {"limits": {"cpu": "3"}}}
    applied = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}
    reply = await call("PATCH", f"{PODS}/web/resize?fieldManager=me&force=true", applied, APPLY)
    assert (reply.code, reply.body["spec"]["resources"]["limits"]) == (200, {"cpu": "3"})


@pytest.mark.parametrize(
    ("patch", "cause"),
    [
        (_resized(requests={"cpu": None}), "spec.containers[0].resources.requests: Forbidden: resource requests"),
        (_resized(requests={"ephemeral-storage": "1Gi"}), "spec: Forbidden: only cpu and memory resources are mutable"),
        (_resized(limits={"cpu": "100m", "memory": "64Mi"}),
         'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing'),
        ({"spec": {"containers": [{"name": "more", "image": "i"}]}},
         "spec.containers: Forbidden: containers may not be added or removed on resize"),
    ],
)  # fmt: skip
async def test_wrong_resizes(call: Caller, patch: Any, cause: str) -> None:
    """422 in Kubernetes' words."""
    body = pod()
    body["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "100m", "memory": "64Mi"}}
    await call("POST", PODS, body)
    reply = await call("PATCH", f"{PODS}/web/resize", patch, STRATEGIC)
    assert reply.code == 422
    assert any(each.startswith(cause) for each in reply.causes), reply.causes


async def test_approval_and_issuing_are_apart(call: Caller) -> None:
    """Approval writes conditions only, the status everything but what was decided, and neither what was asked for."""
    requests = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    spec = {"request": _certificate_request(), "signerName": "example.com/signer", "usages": ["client auth"]}
    assert (await call("POST", requests, {"metadata": {"name": "r"}, "spec": spec})).code == 201
    approved = {"type": "Approved", "status": "True", "reason": "Fine", "message": "yes"}
    change = {"spec": {"signerName": "example.com/other"}, "status": {"conditions": [approved], "certificate": "YQ=="}}
    body = (await call("PATCH", f"{requests}/r/approval", change, MERGE)).body
    assert (body["spec"]["signerName"], body["status"].keys()) == ("example.com/signer", {"conditions"})
    conditions = body["status"]["conditions"]
    assert [each["type"] for each in conditions] == ["Approved"]
    issuing = {"status": {"certificate": "YQ==", "conditions": [{**approved, "reason": "Because"}]}}
    issued = (await call("PATCH", f"{requests}/r/status", issuing, MERGE)).body
    assert issued["status"] == {"certificate": "YQ==", "conditions": conditions}


async def test_fields_a_scale_does_not_have(web: Caller) -> None:
    """Patches of a Scale are held to its fields, as those of objects are."""
    patch = {"spec": {"replicas": 2, "size": 1}}
    strict = await web("PATCH", f"{SCALE}?fieldValidation=Strict", patch, MERGE)
    assert (strict.code, strict.message.endswith('strict decoding error: unknown field "spec.size"')) == (422, True)
    warned = await web("PATCH", SCALE, patch, MERGE)
    assert (warned.code, warned.warnings, warned.body["spec"]) == (200, ['unknown field "spec.size"'], {"replicas": 2})


async def test_a_scale_below_zero(web: Caller) -> None:
    """It is the Scale that is wrong, not the object it stands for."""
    reply = await web("PATCH", SCALE, {"spec": {"replicas": -1}}, MERGE)
    why = "must be greater than or equal to 0"
    assert (reply.code, reply.message) == (
        422,
        f'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: {why}',
    )


async def test_a_binding_of_another_pod(call: Caller) -> None:
    """The name in the path and the one in the body are of one pod."""
    await call("POST", PODS, {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "image": "x"}]}})
    reply = await call("POST", f"{PODS}/a/binding", {"metadata": {"name": "b"}, "target": {"name": "n"}})
    assert (reply.code, reply.message) == (400, "name in URL does not match name in Binding object")
    assert (await call("POST", f"{PODS}/a/binding", {"target": {"name": "n"}})).code == 201


async def test_what_a_certificate_is_asked_for_has_no_owner(call: Caller) -> None:
    """Nobody can change it, whoever creates the request by whatever way; its labels have owners."""
    requests = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    spec = {"request": _certificate_request(), "signerName": "example.com/signer", "usages": ["client auth"]}
    posted = await call("POST", requests, {"metadata": {"name": "posted", "labels": {"a": "b"}}, "spec": spec})
    kind = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
    body = {**kind, "metadata": {"name": "applied", "labels": {"a": "b"}}, "spec": spec}
    applied = await call.apply(f"{requests}/applied", body)
    for reply in (posted, applied):
        assert (reply.code, reply.body["spec"]["signerName"]) == (201, "example.com/signer")
        assert [each["fieldsV1"].keys() for each in reply.body["metadata"]["managedFields"]] == [{"f:metadata"}]
    other = await call.apply(
        f"{requests}/applied", {**body, "spec": {**spec, "signerName": "example.com/other"}}, "you"
    )
    assert (other.code, other.body["spec"]["signerName"]) == (200, "example.com/signer")
