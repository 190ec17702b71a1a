"""Reading what a CertificateSigningRequest asks for."""

from __future__ import annotations

import base64

import pytest

from kube_actors.api.certificate_request import read_request

SIGNED_WITH_SHA_1 = """\
-----BEGIN CERTIFICATE REQUEST-----
MIIBXzCByQIBADAgMRAwDgYDVQQKDAdleGFtcGxlMQwwCgYDVQQDDANvbGQwgZ8w
DQYJKoZIhvcNAQEBBQADgY0AMIGJAoGBAJ3qUTCK4WBFgJTQty1Q9YgD980SM5QR
eYF25/krPKzYg8Rlyv/NBYbFtsAhKR7t3yKjTE093hIghXm4BhnkQIGO/ov4T6Jv
jyDC45wb9F+gZlDtqqWlug5OsF6gjbZ7Cv3MAFoxV0nSNZfKXxyQRy3/7dkopjup
mkdYrVVmPAgzAgMBAAGgADANBgkqhkiG9w0BAQUFAAOBgQCJB1zlai1SpQfYvc0C
7wTVthxoDs1FQ9ZPGGgZxr5zPq4zG0hDxU6UrN1D22rkshEfuIgVHjUSpli6ZIlr
9CeMG/4DBnJA3h6OgceghOzWkaPiN5+bTPCSKwo6w5FTCfx4DDRf9H9EbqyYFBRq
jFiebb7B5upYmATqi6nfWqcHRw==
-----END CERTIFICATE REQUEST-----
"""


def encoded(pem: str) -> str:
    """As `spec.request` has it."""
    return base64.b64encode(pem.encode()).decode()


def test_requests_of_old_programs_are_read() -> None:
    """Certificates are not signed with SHA-1 any more, but a request may be."""
    request = read_request(encoded(SIGNED_WITH_SHA_1))
    assert (request.common_name, request.organizations) == ("old", ("example",))


def test_another_signature_does_not_fit() -> None:
    """One that somebody changed, in a request that can be read otherwise."""
    lines = SIGNED_WITH_SHA_1.splitlines()
    swapped = lines[-3].swapcase()
    with pytest.raises(ValueError, match="does not fit its key"):
        read_request(encoded("\n".join([*lines[:-3], swapped, *lines[-2:]])))
