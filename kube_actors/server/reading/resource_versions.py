"""`resourceVersion` as clients send it: how fresh an answer has to be."""

from __future__ import annotations

from kube_actors.errors import ApiError, Cause, bad_request
from kube_actors.server.http import HttpRequest
from kube_actors.store import Store

_LARGEST = 2**64 - 1
_MOST_DIGITS = 20  # of a number of 64 bits


def resource_version(request: HttpRequest) -> int | None:
    """The number asked for; None when none was, 0 for "any". ApiError 400 for what is no number."""
    text = request.parameter("resourceVersion")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise _invalid(text, "invalid syntax")
    if len(text) > _MOST_DIGITS or int(text) > _LARGEST:
        raise _invalid(text, "value out of range")
    return int(text)


def _invalid(text: str, why: str) -> ApiError:
    problem = f'strconv.ParseUint: parsing "{text}": {why}'
    return bad_request(f'invalid resource version: resourceVersion: Invalid value: "{text}": {problem}')


def check_reached(store: Store, number: int) -> None:
    """ApiError 504 when the store has not come to this number: a client that knows more than us is to come back."""
    if number > store.head:
        raise ApiError(
            "Timeout",
            504,
            f"Timeout: Too large resource version: {number}, current: {store.head}",
            causes=[Cause("ResourceVersionTooLarge", "Too large resource version")],
            retry_after_seconds=1,
        )
