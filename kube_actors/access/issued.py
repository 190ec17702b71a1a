"""The record of what an authority has issued for its cluster: enough to know, without looking into a single
certificate, that all is well."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kube_actors.records import frozen
from kube_actors.store.journal import StateError

AUTHORITY: Final = "ca"
SERVING: Final = "apiserver"
ADMIN: Final = "admin"
SERVICE_ACCOUNTS: Final = "sa"
"""Names of the files, each with `.key` and (but for the last) `.crt`."""

FILES: Final = (
    *(f"{name}.{suffix}" for name in (AUTHORITY, SERVING, ADMIN) for suffix in ("crt", "key")),
    f"{SERVICE_ACCOUNTS}.key",
)
RECORD: Final = "issued.json"

DAY: Final = 86_400
AUTHORITY_SECONDS: Final = 3650 * DAY
CERTIFICATE_SECONDS: Final = 365 * DAY
RENEW_BEFORE_SECONDS: Final[Mapping[str, float]] = {
    AUTHORITY: 2 * CERTIFICATE_SECONDS,
    SERVING: 90 * DAY,
    ADMIN: 90 * DAY,
}
"""A certificate is issued anew when it is valid for less than this."""

_VERSION: Final = 1


@frozen
class Span:
    """From when until when a certificate is valid, in epoch seconds."""

    begins: float
    ends: float

    def is_due(self, now: float, before: float) -> bool:
        """Whether it ends within `before` seconds, or has not begun: the clock was set back.

        One that never was valid for long (somebody put an authority of 90 days there) is due in its last third.
        """
        return not self.begins <= now < self.ends - min(before, (self.ends - self.begins) / 3)


@frozen
class Issued:
    """SHA-256 of every file by its name, the spans of the certificates by theirs, and the names of the server."""

    digests: Mapping[str, str]
    spans: Mapping[str, Span]
    names: tuple[str, ...]

    def is_well(self, digests: Mapping[str, str], names: tuple[str, ...], now: float) -> bool:
        """Whether nobody touched the files, the server's certificate has all its names, and no renewal is due."""
        whole = set(digests) == set(FILES) and digests == self.digests and set(names) <= set(self.names)
        return whole and not self.is_due(now)

    def is_due(self, now: float) -> bool:
        """Whether some certificate is to be issued anew."""
        return any(self.spans[name].is_due(now, before) for name, before in RENEW_BEFORE_SECONDS.items())

    def dump(self) -> bytes:
        """As it stands in its file."""
        spans = {name: [span.begins, span.ends] for name, span in self.spans.items()}
        record = {"version": _VERSION, "digests": dict(self.digests), "spans": spans, "names": list(self.names)}
        return json.dumps(record, indent=1).encode() + b"\n"

    @staticmethod
    def load(data: bytes) -> Issued | None:
        """None for whatever is not such a record: then everything is looked at anew."""
        try:
            record: Any = json.loads(data)
            if record["version"] != _VERSION:
                return None
            spans = {name: Span(float(span[0]), float(span[1])) for name, span in record["spans"].items()}
            digests = {str(name): str(value) for name, value in record["digests"].items()}
            names = tuple(str(name) for name in record["names"])
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            return None
        return Issued(digests, spans, names) if spans.keys() == RENEW_BEFORE_SECONDS.keys() else None


def digests_of(directory: Path) -> dict[str, str]:
    """SHA-256 of every file that is there. StateError when one cannot be read."""
    found = {name: read_file(directory / name) for name in FILES}
    return {name: hashlib.sha256(data).hexdigest() for name, data in found.items() if data is not None}


def read_file(path: Path) -> bytes | None:
    """A file's content, None when there is none. StateError when it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(path, f"cannot be read: {error.strerror}") from None
