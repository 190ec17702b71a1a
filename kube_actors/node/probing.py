"""Doing one probe or one lifecycle hook, with Kubernetes' outcomes and words.

When and how often is decided elsewhere. Time limits are machine time: what is probed is a real process. The simulated
runtime answers probes itself, on cluster time (`Runtime.probe`).
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, assert_never

import trio

from kube_actors.node.probe_http import (
    Answer,
    Connect,
    HttpFailure,
    PlainAnswer,
    Progress,
    Request,
    dial_failure,
    get,
    url_of,
)
from kube_actors.node.runtime.base import ContainerId, Runtime, RuntimeFailure, RuntimeGone
from kube_actors.node.runtime.handlers import (
    ExecAction,
    GrpcAction,
    HookHandler,
    HttpGetAction,
    ProbeHandler,
    ProbeOutcome,
    ProbeResult,
    SleepAction,
    TcpSocketAction,
)
from kube_actors.records import frozen

if TYPE_CHECKING:
    from kube_actors.kernel import ClusterClock

VERSION = "1.36"
OUTPUT_LIMIT = 10 * 1024
LEAVE_SECONDS = 5.0
"""Machine seconds a command's session gets to be ended when nobody waits for it any more."""

DRAIN_SECONDS = 1.0
"""Machine seconds to wait for the rest of a command's output, should something it started hold it open."""


class HookFailure(Exception):
    """A postStart or preStop hook failed; the text goes into the Event."""


@frozen
class Target:
    """What is probed: a container, and its pod's address for URLs and messages."""

    container: ContainerId
    address: str


async def run_probe(runtime: Runtime, target: Target, handler: ProbeHandler, within: float) -> ProbeResult:
    """One probe, over after `within` seconds (`timeoutSeconds`). What the runtime cannot do is an unknown outcome."""
    try:
        answered = await runtime.probe(target.container, handler, within)
        if answered is not None:
            return answered
        match handler:
            case ExecAction():
                return await _probe_exec(runtime, target, handler, within)
            case HttpGetAction():
                return await _probe_http(runtime, target, handler, within)
            case TcpSocketAction():
                return await _probe_tcp(runtime, target, handler, within)
            case GrpcAction():
                return await _probe_grpc(runtime, target, handler, within)
            case _:
                assert_never(handler)
    except (RuntimeFailure, RuntimeGone) as error:
        return ProbeResult(ProbeOutcome.UNKNOWN, str(error))


async def run_hook(runtime: Runtime, target: Target, handler: HookHandler, clock: ClusterClock) -> None:
    """One hook, for as long as it takes: the caller's cancel scope is its time limit. HookFailure when it failed."""
    try:
        match handler:
            case ExecAction():
                code, output = await _run_command(runtime, target.container, handler.command)
                if code:
                    raise HookFailure(f"command '{' '.join(handler.command)}' exited with {code}: {_text(output)}")
            case HttpGetAction():
                await _call_http_hook(runtime, target, handler)
            case SleepAction():
                await clock.sleep(handler.seconds)
            case TcpSocketAction():
                raise HookFailure("invalid handler: tcpSocket is not supported for lifecycle hooks")
            case _:
                assert_never(handler)
    except (RuntimeFailure, RuntimeGone) as error:
        raise HookFailure(str(error)) from error


async def _probe_exec(runtime: Runtime, target: Target, handler: ExecAction, within: float) -> ProbeResult:
    with trio.move_on_after(within):
        code, output = await _run_command(runtime, target.container, handler.command)
        return ProbeResult(ProbeOutcome.FAILURE if code else ProbeOutcome.SUCCESS, _text(output))
    command = " ".join(handler.command)
    return ProbeResult(ProbeOutcome.FAILURE, f'command timed out: "{command}" timed out after {_seconds(within)}')


async def _run_command(runtime: Runtime, container: ContainerId, argv: tuple[str, ...]) -> tuple[int, bytes]:
    """Its exit code and the beginning of its output, both streams together."""
    session = await runtime.exec(container, argv)
    output = bytearray()
    drained = trio.CancelScope()
    code = 0
    failure: Exception | None = None

    async def collect() -> None:
        with contextlib.suppress(RuntimeFailure, RuntimeGone):  # `wait` says the same
            async for _, data in session.output():
                output.extend(data[: OUTPUT_LIMIT - len(output)])
        drained.cancel()

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(collect)
            try:
                code = await session.wait()
                with drained:
                    await trio.sleep(DRAIN_SECONDS)
            except (RuntimeFailure, RuntimeGone) as error:
                failure = error
            nursery.cancel_scope.cancel()
    finally:
        with trio.move_on_after(LEAVE_SECONDS, shield=True):
            await session.aclose()
    if failure is not None:
        raise failure
    return code, bytes(output)


async def _probe_http(runtime: Runtime, target: Target, handler: HttpGetAction, within: float) -> ProbeResult:
    url = _url(handler, target)
    progress = Progress()
    request = Request(url, f"kube-probe/{VERSION}", handler.headers)
    try:
        with trio.move_on_after(within):
            return _judge(await get(request, _dialer(runtime, target), progress))
    except HttpFailure as error:
        return ProbeResult(ProbeOutcome.FAILURE, f'Get "{url}": {error}')
    host = handler.host or target.address
    late = {
        "dial": f"dial tcp {host}:{handler.port}: i/o timeout",
        "headers": "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
        "body": "context deadline exceeded (Client.Timeout or context cancellation while reading body)",
    }
    return ProbeResult(ProbeOutcome.FAILURE, f'Get "{url}": {late[progress.waiting_for]}')


def _judge(answer: Answer) -> ProbeResult:
    if answer.status >= 400 or answer.status < 200:
        return ProbeResult(ProbeOutcome.FAILURE, f"HTTP probe failed with statuscode: {answer.status}")
    if answer.status >= 300 and "location" in answer.headers:
        text = f"Probe terminated redirects, Response body: {_text(answer.body)}"
        return ProbeResult(ProbeOutcome.WARNING, text)
    return ProbeResult(ProbeOutcome.SUCCESS, _text(answer.body))


async def _call_http_hook(runtime: Runtime, target: Target, handler: HttpGetAction) -> None:
    """Any answer will do. As Kubernetes, a hook that says HTTPS to a plain server is asked again in plain HTTP."""
    url = _url(handler, target)
    agent = f"kube-lifecycle/{VERSION}"
    dial = _dialer(runtime, target)
    try:
        try:
            await get(Request(url, agent, handler.headers), dial, Progress())
        except PlainAnswer:
            plain = "http" + url.removeprefix("https")
            await get(Request(plain, agent, handler.headers), dial, Progress())
    except HttpFailure as error:
        raise HookFailure(f'Get "{url}": {error}') from None


async def _probe_tcp(runtime: Runtime, target: Target, handler: TcpSocketAction, within: float) -> ProbeResult:
    host = handler.host or target.address
    try:
        with trio.move_on_after(within):
            stream = await _dialer(runtime, target)(host, handler.port)
            await trio.aclose_forcefully(stream)
            return ProbeResult(ProbeOutcome.SUCCESS)
    except OSError as error:
        return ProbeResult(ProbeOutcome.FAILURE, dial_failure(host, handler.port, error))
    return ProbeResult(ProbeOutcome.FAILURE, f"dial tcp {host}:{handler.port}: i/o timeout")


async def _probe_grpc(runtime: Runtime, target: Target, handler: GrpcAction, within: float) -> ProbeResult:
    from kube_actors.node.probe_grpc import check_health  # with HTTP/2, which few pods need

    place = f"{target.address}:{handler.port}"
    connected = False
    try:
        with trio.move_on_after(within):
            async with await _dialer(runtime, target)(target.address, handler.port) as stream:
                connected = True
                return await check_health(stream, place, handler.service, f"kube-probe/{VERSION}")
    except OSError as error:
        words = dial_failure(target.address, handler.port, error)
        return ProbeResult(ProbeOutcome.FAILURE, f'error: failed to connect service at "{place}": {words}')
    limit = _seconds(within)
    late = f"health rpc did not complete within {limit}"
    if not connected:
        late = f'failed to connect service "{place}" within {limit}: context deadline exceeded'
    return ProbeResult(ProbeOutcome.FAILURE, f"timeout: {late}")


def _dialer(runtime: Runtime, target: Target) -> Connect:
    async def dial(host: str, port: int) -> trio.abc.HalfCloseableStream:
        try:
            return await runtime.connect(target.container.pod_uid, port, host=None if host == target.address else host)
        except UnicodeError as error:  # a label that is empty or too long cannot even be looked up
            raise socket.gaierror(socket.EAI_NONAME, str(error)) from error

    return dial


def _url(handler: HttpGetAction, target: Target) -> str:
    return url_of(handler.scheme, handler.host or target.address, handler.port, handler.path)


def _text(output: bytes) -> str:
    return output.decode(errors="replace")


def _seconds(within: float) -> str:
    return f"{within:g}s"
