"""`pods/log`: what a container printed, from its log file, while it runs and afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Literal

from kube_actors.api.times import parse_rfc3339
from kube_actors.errors import ApiError, Cause, bad_request, invalid
from kube_actors.node.container_logs import LogOptions
from kube_actors.server.call import Call
from kube_actors.server.http import Full, HttpRequest, Response, Send, Streaming
from kube_actors.server.streams.pods import container_of, pod_of
from kube_actors.store import Revision
from kube_actors.verbs.logs import log_target, logs
from kube_actors.verbs.node import check_reachable
from kube_actors.verbs.pods import node_of

NOT_NEGATIVE = "must be greater than or equal to 0"
POSITIVE = "must be greater than 0"
_STREAMS: dict[str, Literal["stdout", "stderr"] | None] = {"All": None, "Stdout": "stdout", "Stderr": "stderr"}


async def log(call: Call) -> Response:
    """The log as text, streamed; no content at all while the pod has no node. ApiError 422 for options that make no
    sense, 400 while its node has nothing to read."""
    options = log_options(call.request, call.info.name, call.api.session.now)
    pod = pod_of(call)
    body = pod.body()
    container = container_of(body, call.request.parameter("container"))
    if not body["spec"].get("nodeName"):
        return Full(204, b"")
    answer = await log_of(call, pod, container, options)
    if call.request.upgrade == "websocket":
        from kube_actors.server.streams.log_socket import log_over_websocket  # browsers only

        return log_over_websocket(call.request, answer.write)
    return answer


async def log_of(call: Call, pod: Revision, container: str, options: LogOptions) -> Streaming:
    """A container's log as an answer; one that is deleted meanwhile just ends."""
    session = call.api.session
    target = log_target(session, pod, container, previous=call.request.flag("previous"))
    await check_reachable(session, node_of(pod.body()))

    async def write(send: Send) -> None:
        async with contextlib.aclosing(logs(session, target, options)) as pieces:
            async for piece in pieces:
                await send(piece)

    return Streaming(200, write, "text/plain")


def log_options(request: HttpRequest, pod: str, now: float) -> LogOptions:
    """The options of the query. ApiError 400 for what cannot be read, 422 for what makes no sense."""
    tail, limit = _integer(request, "tailLines"), _integer(request, "limitBytes")
    seconds, since_time = _integer(request, "sinceSeconds"), _time(request, "sinceTime")
    stream = request.parameter("stream") or "All"
    causes = [
        *_check(tail is not None and tail < 0, "tailLines", tail, NOT_NEGATIVE),
        *_check(limit is not None and limit < 1, "limitBytes", limit, POSITIVE),
        *_check_since(seconds, since_time),
        *_check_stream(stream, tail),
    ]
    if causes:
        raise invalid("PodLogOptions", pod, causes)
    return LogOptions(
        follow=request.flag("follow"),
        tail_lines=tail,
        since=now - seconds if seconds is not None else since_time,
        timestamps=request.flag("timestamps"),
        limit_bytes=limit,
        stream=_STREAMS[stream],
    )


def _check(wrong: bool, field: str, value: int | None, why: str) -> Sequence[Cause]:
    return [Cause("FieldValueInvalid", f"Invalid value: {value}: {why}", field)] if wrong else []


def _check_since(seconds: int | None, time: float | None) -> Sequence[Cause]:
    if seconds is not None and time is not None:
        why = "at most one of `sinceTime` or `sinceSeconds` may be specified"
        return [Cause("FieldValueForbidden", f"Forbidden: {why}", "")]
    return _check(seconds is not None and seconds < 1, "sinceSeconds", seconds, POSITIVE)


def _check_stream(stream: str, tail: int | None) -> Sequence[Cause]:
    if stream not in _STREAMS:
        supported = ", ".join(f'"{name}"' for name in sorted(_STREAMS))
        message = f'Unsupported value: "{stream}": supported values: {supported}'
        return [Cause("FieldValueNotSupported", message, "stream")]
    if stream != "All" and tail is not None:
        why = "`tailLines` and specific `stream` are mutually exclusive for now"
        return [Cause("FieldValueForbidden", f"Forbidden: {why}", "")]
    return []


def _integer(request: HttpRequest, name: str) -> int | None:
    text = request.parameter(name)
    if not text:
        return None
    digits = text.removeprefix("-").removeprefix("+") if text[0] in "+-" else text
    if not (digits.isascii() and digits.isdecimal()):
        raise bad_request(f'unable to decode query parameters: strconv.ParseInt: parsing "{text}": invalid syntax')
    if len(text) > 20 or abs(int(text)) >= 2**63:
        raise bad_request(f'unable to decode query parameters: strconv.ParseInt: parsing "{text}": value out of range')
    return int(text)


def _time(request: HttpRequest, name: str) -> float | None:
    text = request.parameter(name)
    if not text:
        return None
    try:
        return parse_rfc3339(text)
    except ValueError:
        raise ApiError(
            "BadRequest", 400, f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse'
        ) from None
