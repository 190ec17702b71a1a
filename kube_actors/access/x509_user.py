"""Who a client's certificate is about."""

from __future__ import annotations

import functools
import hashlib
from typing import Final

from kube_actors.access import der
from kube_actors.access.user import User, authenticated

CREDENTIAL_ID: Final = "authentication.kubernetes.io/credential-id"
REMEMBERED: Final = 1024


@functools.lru_cache(maxsize=REMEMBERED)
def user_of_certificate(certificate: bytes) -> User | None:
    """The user of a certificate in DER that TLS has checked: common name, and organizations as groups.

    None when it names nobody, or is none. Connections show the same few over and over, so they are remembered.
    """
    try:
        attributes = der.subject_of(certificate)
    except ValueError:
        return None
    names = [value for kind, value in attributes if kind == der.COMMON_NAME]
    uids = [value for kind, value in attributes if kind == der.UID]
    if not names or not names[-1] or len(uids) > 1 or uids == [""]:
        return None
    groups = tuple(value for kind, value in attributes if kind == der.ORGANIZATION)
    credential = f"X509SHA256={hashlib.sha256(certificate).hexdigest()}"
    return authenticated(User(names[-1], groups, "".join(uids), {CREDENTIAL_ID: (credential,)}))
