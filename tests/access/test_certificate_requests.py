"""Certificate requests from the first write to the clean-up."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from trio.testing import wait_all_tasks_blocked

from kube_actors.access.x509_user import user_of_certificate
from kube_actors.errors import ApiError
from kube_actors.store import Key
from tests.access.requests import (
    KUBELET_CLIENT,
    KUBELET_SERVING,
    RESOURCE,
    World,
    condition,
    encoded_request,
    open_world,
    request_body,
)

HOUR = 3600.0
NODE_USAGES = ["digital signature", "client auth"]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A cluster in which nothing is approved by itself."""
    async with open_world(tmp_path) as world:
        yield world


async def test_an_approved_request_gives_its_maker_a_certificate(world: World) -> None:
    """What is issued names the user, is the authority's, and is good for clients only."""
    await world.named("jane").create(request_body(encoded_request("jane", ("dev", "ops"))))
    assert "certificate" not in world.status()
    await world.decide(condition("Approved"))
    certificate = world.certificate()
    user = user_of_certificate(certificate.public_bytes(serialization.Encoding.DER))
    assert user is not None
    assert (user.name, user.groups) == ("jane", ("dev", "ops", "system:authenticated"))
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(world.authority.ca_pem))
    extended = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(extended) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


async def test_the_server_says_who_asked(world: World) -> None:
    """Name, uid, groups and extra are the requester's, whatever the body says, and never change."""
    body = request_body(username="root", uid="0", groups=["system:masters"], extra={"x": ["y"]})
    await world.named("jane", "dev").create(body)
    stored = world.request()
    assert stored is not None
    spec = stored["spec"]
    who = (spec["username"], spec["uid"], spec["groups"], spec["extra"])
    assert who == ("jane", "uid-1", ["dev"], {"scope": ["a"]})
    await world.client.create(request_body(name="plain", uid="0", extra={"x": ["y"]}))
    plain = world.request("plain")
    assert plain is not None
    assert plain["spec"].keys() & {"uid", "extra"} == set()
    changed = {**stored, "spec": {**spec, "username": "root", "signerName": "example.com/other"}}
    await world.client.update(changed)
    again = world.request()
    assert again is not None
    assert again["spec"] == spec


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"request": "bm90aGluZw=="}, "PEM block type must be CERTIFICATE REQUEST"),
        ({"usages": []}, "spec.usages: Required value"),
        ({"usages": ["client auth", "client auth"]}, 'spec.usages[1]: Duplicate value: "client auth"'),
        ({"usages": ["flying"]}, 'spec.usages[0]: Unsupported value: "flying": supported values: "any"'),
        ({"signerName": "me"}, "must be a fully qualified domain and path of the form 'example.com/signer-name'"),
        ({"signerName": "localhost/me"}, "should be a domain with at least two segments separated by dots"),
        ({"signerName": "Example.com/me"}, 'validating label "Example"'),
        ({"signerName": "kubernetes.io/legacy-unknown"}, "the legacy signerName is not allowed via this API version"),
        ({"expirationSeconds": 599}, "may not specify a duration less than 600 seconds (10 minutes)"),
    ],
)
async def test_what_cannot_be_asked_for(world: World, spec: dict[str, Any], message: str) -> None:
    """422 in the words of Kubernetes."""
    with pytest.raises(ApiError) as caught:
        await world.client.create(request_body(**spec))
    assert caught.value.code == 422
    assert message in caught.value.message


async def test_a_request_that_was_tampered_with(world: World) -> None:
    """A signature that does not fit the key is refused."""
    pem = base64.b64decode(encoded_request("jane")).decode().splitlines()
    der = bytearray(base64.b64decode("".join(pem[1:-1])))
    der[der.index(b"jane")] = ord("J")
    lines = (
        "-----BEGIN CERTIFICATE REQUEST-----\n"
        + base64.encodebytes(der).decode()
        + "-----END CERTIFICATE REQUEST-----\n"
    )
    with pytest.raises(ApiError, match=r"spec\.request: Invalid value"):
        await world.client.create(request_body(base64.b64encode(lines.encode()).decode()))


async def test_nobody_becomes_a_master_by_asking(world: World) -> None:
    """A client's certificate with the group system:masters cannot even be requested."""
    with pytest.raises(ApiError, match="signer with system:masters group is not allowed") as caught:
        await world.client.create(request_body(encoded_request("jane", ("system:masters",))))
    assert caught.value.code == 403


async def test_denied_requests_are_not_signed(world: World) -> None:
    """And stay denied."""
    await world.client.create(request_body())
    await world.decide(condition("Denied"))
    assert "certificate" not in world.status()
    with pytest.raises(ApiError, match="Approved and Denied conditions are mutually exclusive"):
        await world.decide(condition("Approved"))


@pytest.mark.parametrize(
    ("signer", "asked", "usages", "why"),
    [
        ("client", encoded_request(), ["server auth"], "invalid usage for client certificate: server auth"),
        (
            "client",
            encoded_request(),
            ["digital signature"],
            "missing required usage for client certificate: client auth",
        ),
        ("kubelet", encoded_request("system:node:a"), NODE_USAGES, "subject organization is not system:nodes"),
        ("kubelet", encoded_request("a", ("system:nodes",)), NODE_USAGES, "does not begin with system:node:"),
        (
            "serving",
            encoded_request("system:node:a", ("system:nodes",)),
            ["digital signature", "server auth"],
            "DNS or IP",
        ),
        (
            "serving",
            encoded_request("system:node:a", ("system:nodes",), (x509.DNSName("a"),)),
            NODE_USAGES,
            "usages did not match [digital signature key encipherment server auth]",
        ),
    ],
)
async def test_signers_have_rules(world: World, signer: str, asked: str, usages: list[str], why: str) -> None:
    """An approved request that breaks them fails with the reason, and is not signed."""
    names = {"client": "kubernetes.io/kube-apiserver-client", "kubelet": KUBELET_CLIENT, "serving": KUBELET_SERVING}
    await world.client.create(request_body(asked, signerName=names[signer], usages=usages))
    await world.decide(condition("Approved"))
    status = world.status()
    assert "certificate" not in status
    failed = status["conditions"][-1]
    assert (failed["type"], failed["reason"]) == ("Failed", "SignerValidationFailure")
    assert why in failed["message"]


async def test_a_kubelets_serving_certificate(world: World) -> None:
    """Its names and addresses are in it."""
    names = (x509.DNSName("a.nodes"), x509.IPAddress(ipaddress.ip_address("10.0.0.7")))
    asked = encoded_request("system:node:a", ("system:nodes",), names)
    usages = ["digital signature", "key encipherment", "server auth"]
    await world.client.create(request_body(asked, signerName=KUBELET_SERVING, usages=usages))
    await world.decide(condition("Approved"))
    alternative = world.certificate().extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert tuple(alternative) == names
    usage = world.certificate().extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment, usage.key_cert_sign) == (True, True, False)


@pytest.mark.parametrize(("wanted", "seconds"), [(None, 365 * 24 * HOUR), (600, 600), (10**9, 365 * 24 * HOUR)])
async def test_how_long_a_certificate_is_good_for(world: World, wanted: int | None, seconds: float) -> None:
    """As long as was asked for, at most a year; long ones end five minutes early, for they begin so much earlier."""
    spec: dict[str, Any] = {} if wanted is None else {"expirationSeconds": wanted}
    await world.client.create(request_body(**spec))
    await world.decide(condition("Approved"))
    ends = world.certificate().not_valid_after_utc.timestamp()
    assert ends == world.clock.now() + seconds - (300 if seconds > 8 * HOUR else 0)


async def test_an_authority_that_cannot_sign_now(world: World) -> None:
    """The request waits, and is signed when the key is back."""
    key = world.authority.directory / "ca.key"
    kept = key.read_bytes()
    key.unlink()
    await world.client.create(request_body())
    await world.decide(condition("Approved"))
    assert [each["type"] for each in world.status()["conditions"]] == ["Approved"]
    key.write_bytes(kept)
    await world.clock.step(11)
    await wait_all_tasks_blocked()
    assert world.certificate()


async def test_other_peoples_signers_sign_themselves(world: World) -> None:
    """We leave the request alone, and let them write the certificate; but not approve by way of the status."""
    await world.client.create(request_body(signerName="example.com/mine"))
    with pytest.raises(ApiError, match='updates may not add a condition of type "Approved"'):
        await world.decide(condition("Approved"), subresource="status")
    await world.decide(condition("Approved"))
    assert "certificate" not in world.status()
    body = world.request()
    assert body is not None
    own = base64.b64encode(world.authority.ca_pem).decode()
    body["status"]["certificate"] = own
    await world.client.update(body, subresource="approval")
    assert "certificate" not in world.status()
    await world.client.update(
        {**body, "status": {**body["status"]}, "metadata": {"name": "jane"}}, subresource="status"
    )
    assert world.status()["certificate"] == own


async def test_a_certificate_is_written_once_and_is_one(world: World) -> None:
    """Rubbish is refused, and so is another certificate later."""
    await world.client.create(request_body())
    body = world.request()
    assert body is not None
    rubbish = base64.b64encode(b"hello").decode()
    with pytest.raises(ApiError, match="must contain at least one CERTIFICATE PEM block"):
        await world.client.update({**body, "status": {"certificate": rubbish}}, subresource="status")
    await world.decide(condition("Approved"))
    body = world.request()
    assert body is not None
    body["status"]["certificate"] = base64.b64encode(world.authority.ca_pem).decode()
    with pytest.raises(ApiError, match="updates may not modify existing certificate content"):
        await world.client.update(body, subresource="status")
    with pytest.raises(ApiError, match='updates may not remove a condition of type "Approved"'):
        await world.client.update({**body, "status": {}}, subresource="approval")


async def test_conditions_are_dated(world: World) -> None:
    """By the server, where the client leaves it out; what did not change keeps its date."""
    await world.client.create(request_body(signerName="example.com/mine"))
    await world.decide(condition("Approved"))
    first = world.status()["conditions"][0]
    assert first["lastUpdateTime"] == first["lastTransitionTime"] == "2025-01-01T00:00:00Z"
    await world.clock.step(60)
    await world.decide(condition("Note", "False"), subresource="status")
    before, note = world.status()["conditions"]
    assert before == first
    assert note["lastTransitionTime"] == "2025-01-01T00:01:00Z"
    await world.clock.step(60)
    body = world.request()
    assert body is not None
    body["status"]["conditions"][1] = {**condition("Note", "False"), "message": "again"}
    await world.client.update(body, subresource="status")
    again = world.status()["conditions"][1]
    assert (again["lastTransitionTime"], again["lastUpdateTime"]) == ("2025-01-01T00:01:00Z", "2025-01-01T00:02:00Z")


@pytest.mark.parametrize(("decision", "hours"), [(None, 24), ("Approved", 1), ("Denied", 1)])
async def test_old_requests_go(world: World, decision: str | None, hours: int) -> None:
    """An hour after it was decided, a day after nobody cared."""
    await world.client.create(request_body())
    if decision is not None:
        await world.decide(condition(decision))
    await world.clock.step(hours * HOUR - 1)
    assert world.request() is not None
    await world.clock.step(2)
    await wait_all_tasks_blocked()
    assert world.request() is None


async def test_a_request_that_waits_for_its_own_signer_stays(world: World) -> None:
    """Approved, but not issued: somebody is still to sign it."""
    await world.client.create(request_body(signerName="example.com/mine"))
    await world.decide(condition("Approved"))
    await world.clock.step(48 * HOUR)
    await wait_all_tasks_blocked()
    assert world.store.get(Key(RESOURCE, "", "jane")) is not None


@pytest.mark.parametrize(("user", "subresource"), [("system:node:a", "selfnodeclient"), ("bootstrap", "nodeclient")])
async def test_kubelets_are_approved_by_themselves(tmp_path: Path, user: str, subresource: str) -> None:
    """If the requester may create that subresource; nobody else's requests are."""
    asked: list[tuple[str, str]] = []

    def may_request(name: str, _groups: tuple[str, ...], which: str) -> bool:
        asked.append((name, which))
        return True

    async with open_world(tmp_path, may_request) as world:
        request = encoded_request("system:node:a", ("system:nodes",))
        await world.named(user).create(request_body(request, signerName=KUBELET_CLIENT, usages=NODE_USAGES))
        await world.named("jane").create(request_body(name="plain"))
        await wait_all_tasks_blocked()
        approved = world.status()["conditions"][0]
        assert (approved["type"], approved["reason"]) == ("Approved", "AutoApproved")
        assert world.certificate().subject.rfc4514_string() == "CN=system:node:a,O=system:nodes"
        assert asked[0] == (user, subresource)
        assert "conditions" not in world.status("plain")


async def test_a_kubelet_without_the_right_waits_for_a_person(world: World) -> None:
    """Nothing happens to its request by itself."""
    request = encoded_request("system:node:a", ("system:nodes",))
    await world.client.create(request_body(request, signerName=KUBELET_CLIENT, usages=NODE_USAGES))
    await wait_all_tasks_blocked()
    assert world.status() == {}


@pytest.mark.parametrize(
    "status",
    [
        {"conditions": [None]},
        {"conditions": [{}]},
        {"conditions": {}},
        {"conditions": [{"type": "Note", "status": "Maybe"}]},
        {"conditions": [{"type": "Note"}]},
        {"conditions": [condition("Note"), condition("Note")]},
        {"conditions": [condition("Approved", "False")]},
        {"conditions": [condition("Note", lastUpdateTime="yesterday")]},
        {"certificate": "é"},
        {"certificate": "!"},
        {"certificate": base64.b64encode(b"-----BEGIN RSA KEY-----\nAA==\n-----END RSA KEY-----").decode()},
        {"certificate": base64.b64encode(b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----").decode()},
        {"certificate": 5},
    ],
)
@pytest.mark.parametrize("subresource", ["status", "approval"])
async def test_a_status_that_is_none(world: World, status: Any, subresource: str) -> None:
    """Refused with what is wrong, or the certificate is not looked at; the actor goes on in any case."""
    await world.client.create(request_body())
    body = world.request()
    assert body is not None
    readable = str(status.get("certificate", "")).startswith("LS0t")
    if subresource == "approval" and readable:
        await world.client.update({**body, "status": status}, subresource=subresource)
    else:
        with pytest.raises(ApiError) as caught:
            await world.client.update({**body, "status": status}, subresource=subresource)
        assert caught.value.code in (400, 422)
    await world.client.create(request_body(name="next"))
    await world.decide(condition("Approved"), name="next")
    assert world.certificate("next")


@pytest.mark.parametrize("request_text", ["é", "=", "AAAA", "5"])
async def test_requests_that_are_none(world: World, request_text: str) -> None:
    """Not base64, not PEM, not even ASCII."""
    with pytest.raises(ApiError, match=r"PEM block type must be CERTIFICATE REQUEST|illegal base64"):
        await world.client.create(request_body(request_text))


async def test_a_request_in_lines(world: World) -> None:
    """Base64 as `base64` prints it, with line feeds in it, is read as Kubernetes reads it."""
    text = encoded_request("jane", ("a" * 60,))
    lines = "\n".join(text[at : at + 76] for at in range(0, len(text), 76)) + "\n"
    await world.client.create(request_body(lines))
    stored = world.request()
    assert stored is not None
    assert stored["spec"]["request"] == text
    await world.decide(condition("Approved"))
    assert world.certificate()
