"""The authority's files: made once, kept, renewed, and refused when they are not what they were."""

from __future__ import annotations

import contextlib
import os
import ssl
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

from kube_actors.access import certificates, keys
from kube_actors.access.authority import LOOK_SECONDS, Authority
from kube_actors.access.kubeconfig import write_kubeconfig
from kube_actors.access.x509_user import user_of_certificate
from kube_actors.errors import InputError

NOW = 1_800_000_000.0
DAY = 86_400.0
KEYS = ("ca.key", "apiserver.key", "admin.key", "sa.key")


class Clock:
    """Machine time as the test says."""

    def __init__(self, now: float = NOW) -> None:
        self.time = now

    def __call__(self) -> float:
        return self.time


def contents(directory: Path) -> dict[str, bytes]:
    """Every file by its name."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def handshake(
    server: ssl.SSLContext, client: ssl.SSLContext, name: str = "", session: ssl.SSLSession | None = None
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """TLS without a socket, agreed on: the client's side and the server's."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=name or None, session=session)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [ours, theirs]
    while waiting:
        for side in list(waiting):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
                waiting.remove(side)
    return ours, theirs


def talk(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> tuple[str, bytes | None]:
    """The protocol agreed on, and the client's certificate as the server saw it."""
    ours, theirs = handshake(server, client, name)
    return ours.version() or "", theirs.getpeercert(binary_form=True)


def client_of(authority: Authority, directory: Path, *, certificate: str = "") -> ssl.SSLContext:
    """A client that trusts the authority, and shows one of its certificates."""
    context = ssl.create_default_context(cadata=authority.ca_pem.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    if certificate:
        context.load_cert_chain(directory / f"{certificate}.crt", directory / f"{certificate}.key")
    return context


def test_private_whatever_the_umask(tmp_path: Path) -> None:
    """Directory 0700 and every file 0600; nothing is left over."""
    before = os.umask(0)
    try:
        Authority.open(tmp_path / "pki", now=Clock())
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "pki").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "pki").iterdir()} == {0o600}
    certificates = ("ca.crt", "apiserver.crt", "admin.crt")
    assert set(contents(tmp_path / "pki")) == {*KEYS, *certificates, "issued.json"}


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    """Clients that trust the first start's authority trust the second's; and loose permissions are tightened."""
    Authority.open(tmp_path, now=Clock())
    before = contents(tmp_path)
    (tmp_path / "ca.key").chmod(0o644)
    Authority.open(tmp_path, now=Clock(NOW + 30 * DAY))
    assert contents(tmp_path) == before
    assert stat.S_IMODE((tmp_path / "ca.key").stat().st_mode) == 0o600


def test_a_later_start_imports_nothing_slow(tmp_path: Path) -> None:
    """`cryptography` costs 100 ms; a context, the kubeconfig's content and a client's name need none of it."""
    Authority.open(tmp_path / "pki")
    program = """
import sys
from pathlib import Path
from kube_actors.access.authority import Authority
from kube_actors.access.kubeconfig import write_kubeconfig
from kube_actors.access.authenticators import Authentication
from kube_actors.access.tokens import ServiceAccountTokens
authority = Authority.open(Path(sys.argv[1]))
authority.serving_context()
write_kubeconfig(Path(sys.argv[2]), "c", "https://127.0.0.1:6443", authority)
print(sorted(name for name in sys.modules if name.partition(".")[0] in ("cryptography", "ruamel", "cffi")))
"""
    arguments = [sys.executable, "-c", program, str(tmp_path / "pki"), str(tmp_path / "kubeconfig")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["127.0.0.1", "::1", "localhost", "kubernetes.default.svc", "10.96.0.1", "node-1"])
def test_clients_reach_the_server_by_its_names(tmp_path: Path, name: str) -> None:
    """Checked strictly, over TLS 1.2 or later, with the admin's certificate recognised."""
    authority = Authority.open(tmp_path, ["10.96.0.1", "node-1"])
    authority = Authority.open(tmp_path, ["10.96.0.1"])  # fewer names are no reason for another certificate
    client = client_of(authority, tmp_path, certificate="admin")
    client.set_alpn_protocols(["h2", "http/1.1"])
    ours, theirs = handshake(authority.serving_context(), client, name)
    assert (ours.version(), ours.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")
    shown = theirs.getpeercert(binary_form=True)
    assert shown is not None
    user = user_of_certificate(shown)
    assert user is not None
    assert (user.name, user.groups) == ("kubernetes-admin", ("system:masters", "system:authenticated"))


def test_clients_without_a_certificate_are_served(tmp_path: Path) -> None:
    """They bring a token, or are anonymous."""
    authority = Authority.open(tmp_path)
    assert talk(authority.serving_context(), client_of(authority, tmp_path), "localhost")[1] is None


def test_other_names_and_old_protocols_are_refused(tmp_path: Path) -> None:
    """TLS 1.1, a name that is not the server's."""
    authority = Authority.open(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        talk(authority.serving_context(), client_of(authority, tmp_path), "example.com")
    assert authority.serving_context().minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_strangers_certificate_is_nobodys(tmp_path: Path, version: ssl.TLSVersion) -> None:
    """One of another authority, even of the same name, is shown and does not count; the server's own is none for a
    client."""
    ours, theirs = Authority.open(tmp_path / "a"), Authority.open(tmp_path / "b")
    context, client = ours.serving_context(), client_of(ours, tmp_path / "b", certificate="admin")
    client.maximum_version = version
    for _ in range(2):
        shown = talk(context, client, "localhost")[1]
        assert shown == ssl.PEM_cert_to_DER_cert(theirs.admin.certificate.decode())
        assert not context.clients.is_ours(shown)
    admin = talk(context, client_of(ours, tmp_path / "a", certificate="admin"), "localhost")[1]
    assert admin is not None
    assert context.clients.is_ours(admin)
    with pytest.raises(ssl.SSLError):
        talk(ours.serving_context(), client_of(ours, tmp_path / "a", certificate="apiserver"), "localhost")
    with pytest.raises(ssl.SSLCertVerificationError):
        talk(theirs.serving_context(), client_of(ours, tmp_path / "a"), "localhost")


def test_a_certificate_counts_while_it_is_valid(tmp_path: Path) -> None:
    """Before it begins and after it has ended it is as good as a stranger's; the handshake says nothing of it."""
    clock = Clock()
    authority = Authority.open(tmp_path, now=clock)
    context = authority.serving_context()
    shown = ssl.PEM_cert_to_DER_cert(authority.client_certificate("alice", ["dev"], 3600).certificate.decode())
    assert context.clients.is_ours(shown)
    clock.time += 3601
    assert not context.clients.is_ours(shown)
    clock.time -= 4 * 3600
    assert not context.clients.is_ours(shown)
    forged = bytearray(shown)
    forged[-1] ^= 1
    assert not context.clients.is_issued(bytes(forged))
    assert not context.clients.is_issued(b"no certificate")


def test_a_session_that_is_taken_up_again(tmp_path: Path) -> None:
    """A stranger does not become anybody by coming back."""
    ours, theirs = Authority.open(tmp_path / "a"), Authority.open(tmp_path / "b")
    context, client = ours.serving_context(), client_of(ours, tmp_path / "b", certificate="admin")
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    first, _ = handshake(context, client, "localhost")
    server = handshake(context, client, "localhost", session=first.session)[1]
    shown = server.getpeercert(binary_form=True)
    assert shown == ssl.PEM_cert_to_DER_cert(theirs.admin.certificate.decode())
    assert not context.clients.is_ours(shown)


def test_new_names_are_added(tmp_path: Path) -> None:
    """A new service address: another certificate, the same keys, the same authority."""
    Authority.open(tmp_path, now=Clock())
    before = contents(tmp_path)
    Authority.open(tmp_path, ["10.96.0.1"], now=Clock())
    after = contents(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {"apiserver.crt", "issued.json"}


def test_certificates_are_renewed_at_a_start(tmp_path: Path) -> None:
    """In their last three months, with the keys and the authority they had."""
    Authority.open(tmp_path, now=Clock())
    before = contents(tmp_path)
    Authority.open(tmp_path, now=Clock(NOW + 274 * DAY))
    assert contents(tmp_path) == before
    Authority.open(tmp_path, now=Clock(NOW + 276 * DAY))
    after = contents(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {"apiserver.crt", "admin.crt", "issued.json"}


def test_the_authority_itself_is_renewed(tmp_path: Path) -> None:
    """Two years before its end, with the same key: what it signed before stays good."""
    Authority.open(tmp_path, now=Clock())
    before = contents(tmp_path)
    Authority.open(tmp_path, now=Clock(NOW + 3650 * DAY - 729 * DAY))
    after = contents(tmp_path)
    assert {name: after[name] for name in KEYS} == {name: before[name] for name in KEYS}
    renewed = x509.load_pem_x509_certificate(after["ca.crt"])
    x509.load_pem_x509_certificate(before["admin.crt"]).verify_directly_issued_by(renewed)


async def test_certificates_are_renewed_while_running(tmp_path: Path, autojump_clock: object) -> None:
    """The context that is in use serves the new one; whoever asked is told."""
    import trio

    clock = Clock()
    authority = Authority.open(tmp_path, now=clock)
    context = authority.serving_context()
    told: list[bool] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(authority.keep_fresh, lambda: told.append(True))
        await trio.sleep(2.5 * LOOK_SECONDS)
        assert told == []
        clock.time += 300 * DAY
        await trio.sleep(LOOK_SECONDS)
        nursery.cancel_scope.cancel()
    assert told == [True]
    client = client_of(authority, tmp_path)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE  # the test's time is not that of TLS
    ours, _ = handshake(context, client)
    served = x509.load_der_x509_certificate(ours.getpeercert(binary_form=True) or b"")
    assert served.not_valid_after_utc.timestamp() == clock.time + 365 * DAY


def test_a_clock_that_was_set_back(tmp_path: Path) -> None:
    """Certificates of the future are of no use: they are issued anew, and the keys stay."""
    Authority.open(tmp_path, now=Clock())
    before = contents(tmp_path)
    authority = Authority.open(tmp_path, now=Clock(NOW - 400 * DAY))
    after = contents(tmp_path)
    assert {name: after[name] for name in KEYS} == {name: before[name] for name in KEYS}
    for name in ("ca.crt", "apiserver.crt", "admin.crt"):
        begins = x509.load_pem_x509_certificate(after[name]).not_valid_before_utc.timestamp()
        assert begins < NOW - 400 * DAY
    assert not authority.renew()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: (path / "ca.key").write_text("rubbish"), r"ca\.key: the file is not a private key in PEM form"),
        (lambda path: (path / "ca.crt").write_text(""), r"ca\.crt: the file is not a certificate in PEM form"),
        (lambda path: (path / "ca.key").unlink(), r"ca\.key: the authority's key is missing"),
        (lambda path: (path / "apiserver.key").write_bytes(b"\0" * 99), r"apiserver\.key: the file is not a private"),
        (lambda path: (path / "sa.key").write_text("-----BEGIN"), r"sa\.key: the file is not a private key"),
        (
            lambda path: (path / "ca.key").write_bytes((path / "admin.key").read_bytes()),
            r"ca\.crt: the authority's certificate does not belong to the key in ca\.key",
        ),
        (
            lambda path: (
                (path / "ca.crt").write_bytes((path / "admin.crt").read_bytes()),
                (path / "ca.key").write_bytes((path / "admin.key").read_bytes()),
            ),
            r"ca\.crt: is not the certificate of an authority",
        ),
    ],
)
def test_broken_files_are_named(tmp_path: Path, damage: Callable[[Path], object], words: str) -> None:
    """The start ends with the file's name and what is wrong with it, and changes nothing."""
    Authority.open(tmp_path)
    damage(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(InputError, match=words):
        Authority.open(tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["apiserver.crt", "admin.crt", "admin.key", "sa.key", "issued.json"])
def test_what_can_be_made_again_is(tmp_path: Path, name: str) -> None:
    """Anything but the authority's key: the authority stays, and all fits together."""
    authority = Authority.open(tmp_path)
    trusted = authority.ca_pem
    (tmp_path / name).unlink()
    authority = Authority.open(tmp_path)
    assert authority.ca_pem == trusted
    assert talk(authority.serving_context(), client_of(authority, tmp_path, certificate="admin"), "localhost")[1]


def test_another_authoritys_server_certificate_is_replaced(tmp_path: Path) -> None:
    """Files that were copied from another cluster in part."""
    Authority.open(tmp_path / "other")
    Authority.open(tmp_path / "own")
    for name in ("apiserver.crt", "apiserver.key"):
        (tmp_path / "own" / name).write_bytes((tmp_path / "other" / name).read_bytes())
    authority = Authority.open(tmp_path / "own")
    context = client_of(authority, tmp_path / "own", certificate="admin")
    assert talk(authority.serving_context(), context, "localhost")[1]


def test_an_authority_of_ones_own(tmp_path: Path) -> None:
    """A company's RSA authority in the directory is used as it is."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    now = Clock()()
    name = certificates.subject("Company")
    made = certificates.authority_certificate(key, name, now - DAY, now + 300 * DAY)
    (tmp_path / "ca.key").write_bytes(keys.key_pem(key))
    (tmp_path / "ca.crt").write_bytes(certificates.certificate_pem(made))
    authority = Authority.open(tmp_path, now=Clock())
    assert authority.ca_pem == certificates.certificate_pem(made)
    assert x509.load_pem_x509_certificate(authority.admin.certificate).issuer == name
    assert Authority.open(tmp_path, now=Clock()).ca_pem == certificates.certificate_pem(made)
    issued = authority.client_certificate("jane", [], 1000 * DAY)
    ends = x509.load_pem_x509_certificate(issued.certificate).not_valid_after_utc
    assert ends == made.not_valid_after_utc  # nothing outlives the authority that signed it


def test_keys_that_sign_no_tokens(tmp_path: Path) -> None:
    """Clients know RS256 and ES256; another key is refused at the start, not when the first token is asked for."""
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP384R1())
    (tmp_path / "sa.key").write_bytes(keys.key_pem(key))
    with pytest.raises(InputError, match=r"sa\.key: the file holds neither an RSA key nor one on the curve P-256"):
        Authority.open(tmp_path)
    assert set(contents(tmp_path)) == {"sa.key"}


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    """A file in its place is named."""
    (tmp_path / "pki").write_text("")
    with pytest.raises(InputError, match="pki"):
        Authority.open(tmp_path / "pki")


def test_client_certificates(tmp_path: Path) -> None:
    """Made on request, for any user, for a while."""
    authority = Authority.open(tmp_path)
    made = authority.client_certificate("jane", ["dev", "ops"], 3600)
    (tmp_path / "jane.crt").write_bytes(made.certificate)
    (tmp_path / "jane.key").write_bytes(made.key)
    _, shown = talk(authority.serving_context(), client_of(authority, tmp_path, certificate="jane"), "localhost")
    assert shown is not None
    user = user_of_certificate(shown)
    assert user is not None
    assert (user.name, user.groups) == ("jane", ("dev", "ops", "system:authenticated"))


def test_the_kubeconfig_is_private_and_complete(tmp_path: Path) -> None:
    """Mode 0600 whatever was there before; what is embedded is what the authority has."""
    import base64

    from kube_actors.api.codecs.yaml import load_documents

    authority, path = Authority.open(tmp_path / "pki"), tmp_path / "kubeconfig"
    path.write_text("old")
    path.chmod(0o644)
    write_kubeconfig(path, "quickstart", "https://127.0.0.1:6443", authority)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (document,) = load_documents(path.read_text())
    config = document.body
    name = "kube-actors-quickstart"
    assert config["current-context"] == name
    assert config["contexts"] == [{"name": name, "context": {"cluster": name, "user": name}}]
    assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:6443"
    decoded = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"])
    assert decoded == authority.ca_pem
    user = config["users"][0]["user"]
    assert base64.b64decode(user["client-certificate-data"]) == authority.admin.certificate
    assert base64.b64decode(user["client-key-data"]) == authority.admin.key
