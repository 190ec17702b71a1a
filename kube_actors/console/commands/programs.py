"""`logs` and `exec`: the programs in the pods."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

import attrs
import trio

from kube_actors.api.times import parse_rfc3339
from kube_actors.console.commands.command import Command, Namespaced, Words
from kube_actors.console.commands.failures import exit_code, print_api_error
from kube_actors.console.exchange import STDERR, STDOUT, Exchange, ProgramOutput
from kube_actors.errors import ApiError
from kube_actors.node.container_logs import LogOptions
from kube_actors.node.runtime.sessions import ExecSession
from kube_actors.records import frozen
from kube_actors.store import Revision
from kube_actors.verbs.arguments import Parsed, duration, number, switch, text
from kube_actors.verbs.errors import UsageError, VerbError
from kube_actors.verbs.exec import open_exec
from kube_actors.verbs.logs import LogTarget, log_target, logs
from kube_actors.verbs.node import check_reachable
from kube_actors.verbs.pods import choose_container, choose_pod, container_names, node_of
from kube_actors.verbs.selection import label_selector
from kube_actors.verbs.session import Session

TAIL_WITH_SELECTOR = 10


@frozen(slots=False)
class LogFlags(Namespaced):
    """Flags of `logs`."""

    follow: bool = switch("f", help="go on with what is printed, until the container ends")
    container: str = text("c", help="which container")
    all_containers: bool = switch(help="every container of the pod")
    previous: bool = switch("p", help="the attempt before the present one")
    tail: int | None = number(help="only so many of the last lines; -1 is all", default=None)
    since: float | None = duration(help="only what is newer than this, such as 5m")
    since_time: str = text(help="only what is newer than this time (RFC 3339)")
    timestamps: bool = switch(help="show when each line was printed")
    limit_bytes: int | None = number(help="at most so many bytes")
    selector: str = text("l", help="the pods with these labels")
    prefix: bool = switch(help="show pod and container before each line")
    max_log_requests: int | None = number(help="how many logs may be followed at once", default=5)


async def run_logs(exchange: Exchange, parsed: Parsed[LogFlags]) -> int:
    """Print logs."""
    flags = parsed.options
    session = exchange.session.in_namespace(flags.namespace)
    words = list(parsed.words)
    if len(words) == 2 and not flags.container and not flags.selector:
        flags, words = attrs.evolve(flags, container=words[1]), words[:1]
    pods = await _log_pods(exchange, session, flags, words)
    targets, errors = await _log_targets(exchange, session, pods, flags)
    if flags.follow and len(targets) > (flags.max_log_requests or 5):
        limit = flags.max_log_requests or 5
        raise VerbError(
            f"you are attempting to follow {len(targets)} log streams, but maximum allowed concurrency is {limit}, "
            "use --max-log-requests to increase the limit"
        )
    several = len(targets) > 1
    if flags.follow and several:
        async with trio.open_nursery() as nursery:
            for target in targets:
                nursery.start_soon(_print_log, exchange, session, target, flags)
    else:
        for target in targets:
            await _print_log(exchange, session, target, flags)
    return max(map(exit_code, errors), default=0)


async def _log_pods(exchange: Exchange, session: Session, flags: LogFlags, words: Sequence[str]) -> Sequence[Revision]:
    if flags.selector:
        if words:
            raise UsageError("only a selector (-l) or a POD name is allowed")
        pods = session.plane.store.list("pods", session.namespace, label_selector(flags.selector))
        if not pods:
            await exchange.err(f"No resources found in {session.namespace} namespace.")
        return pods
    if len(words) != 1:
        raise UsageError("expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'")
    chosen = choose_pod(session, words[0])
    if chosen.out_of > 1:
        await exchange.err(f"Found {chosen.out_of} pods, using pod/{chosen.revision.key.name}")
    return [chosen.revision]


async def _log_targets(
    exchange: Exchange, session: Session, pods: Sequence[Revision], flags: LogFlags
) -> tuple[list[LogTarget], list[ApiError]]:
    """The logs meant; of several, those that cannot be had are told and left out."""
    targets, errors = [], []
    for pod in pods:
        body = pod.body()
        if flags.all_containers:
            init = [each["name"] for each in body["spec"].get("initContainers") or ()]
            names: Sequence[str] = [*init, *container_names(body, init=False)]
        else:
            chosen = choose_container(body, flags.container)
            names = [chosen.name]
            if chosen.out_of:
                await exchange.err(f'Defaulted container "{chosen.name}" out of: {", ".join(chosen.out_of)}')
        for name in names:
            try:
                await check_reachable(session, node_of(body))
                targets.append(log_target(session, pod, name, previous=flags.previous))
            except ApiError as error:
                if len(pods) == 1 and len(names) == 1:
                    raise
                errors.append(error)
                await print_api_error(exchange, error)
    return targets, errors


def _log_options(session: Session, target: LogTarget, flags: LogFlags) -> LogOptions:
    if flags.since is not None and flags.since_time:
        raise UsageError("at most one of --since-time or --since may be specified")
    since = session.now - flags.since if flags.since is not None else None
    if flags.since_time:
        try:
            since = parse_rfc3339(flags.since_time)
        except ValueError as error:
            raise UsageError(str(error)) from None
    tail = flags.tail if flags.tail is not None else (TAIL_WITH_SELECTOR if flags.selector else -1)
    if tail < -1:
        raise UsageError(f"--tail must be greater than or equal to -1, not {tail}")
    prefix = f"[pod/{target.pod.key.name}/{target.container}] ".encode() if flags.prefix else b""
    return LogOptions(
        follow=flags.follow,
        tail_lines=None if tail < 0 else tail,
        since=since,
        timestamps=flags.timestamps,
        limit_bytes=flags.limit_bytes,
        prefix=prefix,
    )


async def _print_log(exchange: Exchange, session: Session, target: LogTarget, flags: LogFlags) -> None:
    output = ProgramOutput(exchange, STDOUT)
    async with aclosing(logs(session, target, _log_options(session, target, flags))) as pieces:
        async for piece in pieces:
            await output.send(piece)


@frozen(slots=False)
class ExecFlags(Namespaced):
    """Flags of `exec`."""

    container: str = text("c", help="which container")
    stdin: bool = switch("i", help="pass the input on")
    tty: bool = switch("t", help="give the command a terminal")
    quiet: bool = switch("q", help="print only what the command prints")


async def run_exec(exchange: Exchange, parsed: Parsed[ExecFlags]) -> int:
    """Run a command in a container; answers its exit code."""
    flags = parsed.options
    session = exchange.session.in_namespace(flags.namespace)
    if parsed.after_dashes is None and len(parsed.words) > 1:
        raise UsageError("exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead")
    if len(parsed.words) < 2 or parsed.after_dashes != len(parsed.words) - 1:
        raise UsageError("expected 'exec (POD | TYPE/NAME) [-c CONTAINER] [-i] [-t] -- COMMAND [args...]'")
    pod_word, *argv = parsed.words
    pod = choose_pod(session, pod_word).revision
    chosen = choose_container(pod.body(), flags.container)
    if chosen.out_of and not flags.quiet:
        await exchange.err(f'Defaulted container "{chosen.name}" out of: {", ".join(chosen.out_of)}')
    command = await open_exec(session, pod, chosen.name, argv, stdin=flags.stdin, tty=flags.tty)
    async with aclosing(command):
        code = await _converse(exchange, command, flags)
    if code and not flags.quiet:
        await exchange.err(f"command terminated with exit code {code}")
    return code


async def _converse(exchange: Exchange, command: ExecSession, flags: ExecFlags) -> int:
    """Pass input, output and sizes on until the command has ended."""
    async with trio.open_nursery() as nursery:
        if flags.stdin:
            nursery.start_soon(_pass_input, exchange, command)
        if flags.tty:
            await exchange.begin_terminal()
            nursery.start_soon(_pass_sizes, exchange, command)
        outputs = {stream: ProgramOutput(exchange, stream) for stream in (STDOUT, STDERR)}
        async for stream, data in command.output():
            if flags.tty:
                await exchange.send(STDOUT, data)
            else:
                await outputs[stream].send(data)
        code = await command.wait()
        nursery.cancel_scope.cancel()
    return code


async def _pass_input(exchange: Exchange, command: ExecSession) -> None:
    try:
        async for data in exchange.input():
            await command.send_stdin(data)
        await command.close_stdin()
    except trio.BrokenResourceError:
        return  # the command reads no more; what it still prints is wanted all the same


async def _pass_sizes(exchange: Exchange, command: ExecSession) -> None:
    async for rows, columns in exchange.resizes:
        await command.resize(rows, columns)


COMMANDS = (
    Command(
        ("logs",),
        "logs (POD | TYPE/NAME | -l LABELS) [-c CONTAINER] [-f] [--tail N] [--since D] [--previous] [--timestamps]",
        "print what containers printed",
        "logs deployment/web -f --tail=20",
        LogFlags,
        run_logs,
        Words.PODS,
    ),
    Command(
        ("exec",),
        "exec (POD | TYPE/NAME) [-c CONTAINER] [-i] [-t] -- COMMAND [args...]",
        "run a command in a container",
        "exec deployment/web -- env",
        ExecFlags,
        run_exec,
        Words.PODS,
    ),
)
