"""How large an object may be: as large as etcd lets it be behind a kube-apiserver.

There an object is stored in protobuf, which is mostly the texts in it; here in JSON, which writes line breaks and
quotes of a text in two bytes, and binary data in base64. So what is over the limit in JSON is looked at more closely.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kube_actors.errors import unnamed

MOST_BYTES: Final = 1536 << 10
"""etcd's `--max-request-bytes`."""
_BINARY: Final = {"configmaps": "binaryData", "secrets": "data"}
_OVERHEAD: Final = 2
"""Bytes of a field's number and length."""


def check_size(resource: str, body: Mapping[str, Any]) -> None:
    """Whether an object of more than MOST_BYTES in JSON can be stored. ApiError 500 without a reason, in the words that
    clients know it by."""
    if _encoded_size(resource, body) > MOST_BYTES:
        raise unnamed("etcdserver: request is too large")


def _encoded_size(resource: str, body: Mapping[str, Any]) -> int:
    """About the bytes of the object in protobuf, a bit more: names of fields are taken for keys of maps."""
    binary = body.get(_BINARY.get(resource, ""))
    in_base64 = sum(map(len, binary.values())) if isinstance(binary, dict) else 0
    size, waiting = -in_base64 // 4, [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            size += sum(len(key.encode()) + _OVERHEAD for key in value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        else:
            size += _OVERHEAD + (len(value.encode()) if isinstance(value, str) else 0)
    return size
