"""Who a request comes from, by whatever it brings."""

from __future__ import annotations

import base64
from pathlib import Path

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.access import certificates, keys
from kube_actors.access.attributes import Attributes, Decision
from kube_actors.access.authenticators import OWNER, Authentication, TokenRefused, Verified
from kube_actors.access.csr_approval import RequestApproval
from kube_actors.access.static_tokens import StaticTokens
from kube_actors.access.user import AUTHENTICATED, User
from kube_actors.access.x509_user import CREDENTIAL_ID, user_of_certificate
from kube_actors.errors import ApiError, InputError
from kube_actors.records import frozen
from kube_actors.server.http import HttpRequest, Peer

TOKENS = """\
secret-1,jane,u1,"dev, ops"
secret-2,joe,u2
 secret-3, jim, u3, admins

"""
USER_UID = x509.ObjectIdentifier("1.3.6.1.4.1.57683.2")


def certificate(*parts: tuple[x509.ObjectIdentifier, str]) -> bytes:
    """A certificate in DER with this subject, in order."""
    key = keys.new_key()
    name = x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])
    made = certificates.authority_certificate(key, name, 0, 2_000_000_000)
    return made.public_bytes(serialization.Encoding.DER)


NAME, GROUP = x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME


@frozen
class Fixed:
    """Knows one token, and one it refuses."""

    def verify(self, token: str, audiences: tuple[str, ...] = ()) -> Verified | None:
        """The user of `good`."""
        if token == "old":
            raise TokenRefused("service account token has expired")
        return Verified(User("robot", (AUTHENTICATED,)), audiences) if token == "good" else None


@pytest.fixture
def authentication(tmp_path: Path) -> Authentication:
    """Static tokens, and others."""
    path = tmp_path / "tokens.csv"
    path.write_text(TOKENS)
    return Authentication(("api",), Fixed(), StaticTokens.read(path))


def request(peer: Peer | None = None, **headers: str) -> HttpRequest:
    """A request with these headers."""
    known = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpRequest("GET", "/", "/", {}, known, b"", peer or Peer("127.0.0.1"))


def bearer(token: str, peer: Peer | None = None) -> HttpRequest:
    """A request with a bearer token."""
    return request(peer, authorization=f"Bearer {token}")


def test_nothing_is_nobody(authentication: Authentication) -> None:
    """No credentials, or another scheme's, which Kubernetes does not look at."""
    for each in (request(), request(authorization="Basic eDp5"), request(authorization="Bearer"), bearer(" ")):
        assert authentication.authenticate(each) is None


@pytest.mark.parametrize(
    ("token", "user"),
    [
        ("secret-1", User("jane", ("dev", "ops", AUTHENTICATED), "u1")),
        ("secret-2", User("joe", (AUTHENTICATED,), "u2")),
        ("secret-3", User("jim", ("admins", AUTHENTICATED), "u3")),
        ("good", User("robot", (AUTHENTICATED,))),
    ],
)
def test_tokens(authentication: Authentication, token: str, user: User) -> None:
    """Those of the file and those of others; the scheme in any case."""
    assert authentication.authenticate(bearer(token)) == user
    assert authentication.authenticate(request(authorization=f"bearer   {token}")) == user


@pytest.mark.parametrize("token", ["wrong", "secret-", "secret-11", "jane", "old", "é", "\udcff"])
def test_wrong_tokens(authentication: Authentication, token: str) -> None:
    """401, which does not say why and does not repeat the token."""
    with pytest.raises(ApiError) as caught:
        authentication.authenticate(bearer(token))
    assert (caught.value.code, caught.value.reason, caught.value.message) == (401, "Unauthorized", "Unauthorized")


def test_a_browsers_websocket(authentication: Authentication) -> None:
    """Its token comes as one of the protocols."""
    encoded = base64.urlsafe_b64encode(b"secret-1").rstrip(b"=").decode()
    protocols = f"v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.{encoded}"
    user = authentication.authenticate(request(sec_websocket_protocol=protocols))
    assert user is not None
    assert user.name == "jane"
    with pytest.raises(ApiError, match="Unauthorized"):
        authentication.authenticate(request(sec_websocket_protocol="base64url.bearer.authorization.k8s.io.%%%"))


def test_certificates_count_before_tokens(authentication: Authentication) -> None:
    """A good certificate beside a bad token is enough, as in Kubernetes."""
    peer = Peer("127.0.0.1", certificate((GROUP, "dev"), (NAME, "jane")))
    for each in (request(peer), bearer("wrong", peer)):
        user = authentication.authenticate(each)
        assert user is not None
        assert (user.name, user.groups) == ("jane", ("dev", AUTHENTICATED))


def test_a_certificate_that_names_nobody(authentication: Authentication) -> None:
    """Counts as none: the token is looked at."""
    peer = Peer("127.0.0.1", certificate((GROUP, "dev")))
    assert authentication.authenticate(request(peer)) is None
    assert authentication.authenticate(bearer("good", peer)) == User("robot", (AUTHENTICATED,))


def test_a_strangers_certificate(authentication: Authentication) -> None:
    """It makes nobody of whoever shows it; a good token beside it counts."""
    peer = Peer("127.0.0.1", is_stranger=True)
    with pytest.raises(ApiError) as caught:
        authentication.authenticate(request(peer))
    assert caught.value.code == 401
    assert authentication.authenticate(bearer("good", peer)) == User("robot", (AUTHENTICATED,))


def test_the_owners_socket(authentication: Authentication) -> None:
    """Whoever can open it is the administrator, but for one who says he is somebody else."""
    peer = Peer("", is_owner=True)
    assert authentication.authenticate(request(peer)) is OWNER
    assert authentication.authenticate(bearer("good", peer)) == User("robot", (AUTHENTICATED,))
    with pytest.raises(ApiError, match="Unauthorized"):
        authentication.authenticate(bearer("wrong", peer))


def test_static_tokens_are_for_the_api_only(authentication: Authentication) -> None:
    """A review for another audience refuses them."""
    assert authentication.verify("secret-1") == Verified(User("jane", ("dev", "ops", AUTHENTICATED), "u1"), ("api",))
    with pytest.raises(TokenRefused, match='is invalid for \\["vault"\\]'):
        authentication.verify("secret-1", ("vault",))


def test_a_file_of_tokens_with_mistakes(tmp_path: Path) -> None:
    """Every line that is too short is named; a file that is not there, too."""
    path = tmp_path / "tokens.csv"
    path.write_text("a,b,c\nx\ny,z\n")
    with pytest.raises(InputError) as caught:
        StaticTokens.read(path)
    assert [problem.line for problem in caught.value.problems] == [2, 3]
    assert "x" not in str(caught.value.problems[0].message)
    with pytest.raises(InputError, match="No such file"):
        StaticTokens.read(tmp_path / "none.csv")


def test_empty_and_repeated_tokens(tmp_path: Path) -> None:
    """Nobody has the empty one; of one given twice the last line counts."""
    path = tmp_path / "tokens.csv"
    path.write_text(",nobody,0\na,first,1\na,second,2\n")
    tokens = StaticTokens.read(path)
    assert tokens.user_of("") is None
    assert tokens.user_of("a") == User("second", (AUTHENTICATED,), "2")


def test_tokens_are_not_shown(tmp_path: Path) -> None:
    """Not in a traceback's repr either."""
    path = tmp_path / "tokens.csv"
    path.write_text(TOKENS)
    assert "secret" not in repr(StaticTokens.read(path))
    peer = Peer("127.0.0.1")
    assert "secret" not in repr(bearer("secret-1", peer))


def test_subjects_of_certificates() -> None:
    """The last common name, groups in order, the uid, and which certificate it was."""
    der = certificate((NAME, "first"), (GROUP, "b"), (GROUP, "ä"), (NAME, "jane"), (USER_UID, "u-1"))
    user = user_of_certificate(der)
    assert user is not None
    assert (user.name, user.groups, user.uid) == ("jane", ("b", "ä", AUTHENTICATED), "u-1")
    digest = hashes.Hash(hashes.SHA256())
    digest.update(der)
    assert user.extra == {CREDENTIAL_ID: (f"X509SHA256={digest.finalize().hex()}",)}


def test_two_uids_are_none() -> None:
    """Kubernetes refuses such a certificate."""
    assert user_of_certificate(certificate((NAME, "jane"), (USER_UID, "a"), (USER_UID, "b"))) is None


@given(
    name=st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=16),
    groups=st.lists(
        st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=16), max_size=4
    ),
)
def test_any_subject_is_read_as_it_was_written(name: str, groups: list[str]) -> None:
    """Whatever the letters (X.520 allows 64 bytes of them)."""
    user = user_of_certificate(certificate(*((GROUP, group) for group in groups), (NAME, name)))
    assert user is not None
    assert (user.name, user.groups) == (name, (*groups, AUTHENTICATED))


WHOLE = certificate((GROUP, "dev"), (NAME, "jane"))


@given(at=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255), cut=st.integers(0, len(WHOLE)))
def test_broken_certificates_break_nothing(at: int, byte: int, cut: int) -> None:
    """Any byte changed, any end cut off: somebody or nobody, but no error."""
    broken = bytearray(WHOLE)
    broken[at] = byte
    user_of_certificate(bytes(broken[:cut]))


@given(st.binary(max_size=200))
def test_rubbish_is_no_certificate(data: bytes) -> None:
    """Nobody."""
    assert user_of_certificate(data) is None


@frozen
class Asked:
    """An authorizer that writes down what it is asked."""

    questions: list[Attributes] = attrs.field(factory=list)

    def decide(self, attributes: Attributes) -> Decision:
        """Node a may."""
        self.questions.append(attributes)
        return Decision(attributes.user.name == "system:node:a")


def test_approval_by_itself_asks_the_authorizer() -> None:
    """Whether the requester may create that subresource of certificate requests."""
    authorizer = Asked()
    may_request = RequestApproval(authorizer)
    assert may_request("system:node:a", ("system:nodes",), "selfnodeclient")
    assert not may_request("jane", (), "nodeclient")
    first = authorizer.questions[0]
    what = (first.verb, first.group, first.resource, first.subresource, first.user.groups)
    assert what == (
        "create",
        "certificates.k8s.io",
        "certificatesigningrequests",
        "selfnodeclient",
        ("system:nodes",),
    )
