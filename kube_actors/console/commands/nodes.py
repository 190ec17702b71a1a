"""`node stop | partition | start | cordon | uncordon | drain`, and the last three by themselves as in kubectl."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

from kube_actors.console.commands.command import Command, DryRun, NoOptions, Words
from kube_actors.console.commands.failures import exit_code, print_api_error
from kube_actors.console.exchange import Exchange
from kube_actors.errors import ApiError
from kube_actors.records import frozen
from kube_actors.verbs.arguments import Parsed, duration, number, switch, text
from kube_actors.verbs.drain import DrainRequest, check_plan, evict, plan_drain
from kube_actors.verbs.errors import UsageError, VerbError
from kube_actors.verbs.node import NodeFault, cordon, existing_node, fault_node
from kube_actors.verbs.selection import label_selector

_DONE: dict[NodeFault, str] = {"stop": "stopped", "partition": "partitioned", "start": "started"}


def _names(parsed: Parsed[Any]) -> tuple[str, ...]:
    if not parsed.words:
        raise UsageError("say which node, as in node-1")
    return tuple(word.removeprefix("node/") for word in parsed.words)


async def _each(exchange: Exchange, names: Sequence[str], act: Callable[[str], Awaitable[str]]) -> int:
    """Do something with each node; what fails is told, and the others are done all the same."""
    code = 0
    for name in names:
        try:
            await exchange.line(f"node/{name} {await act(name)}")
        except (ApiError, VerbError) as error:
            await print_api_error(exchange, error)
            code = max(code, exit_code(error))
    return code


def _fault(fault: NodeFault) -> Callable[[Exchange, Parsed[NoOptions]], Awaitable[int]]:
    async def run(exchange: Exchange, parsed: Parsed[NoOptions]) -> int:
        async def act(name: str) -> str:
            await fault_node(exchange.session, name, fault)
            return _DONE[fault]

        return await _each(exchange, _names(parsed), act)

    return run


def _cordon(unschedulable: bool) -> Callable[[Exchange, Parsed[NoOptions]], Awaitable[int]]:
    done = "cordoned" if unschedulable else "uncordoned"

    async def run(exchange: Exchange, parsed: Parsed[NoOptions]) -> int:
        async def act(name: str) -> str:
            changed = await cordon(exchange.session, name, unschedulable=unschedulable)
            return done if changed.changed else f"already {done}"

        return await _each(exchange, _names(parsed), act)

    return run


@frozen(slots=False)
class DrainFlags(DryRun):
    """Flags of `drain`."""

    force: bool = switch(help="also pods that nothing would replace")
    ignore_daemonsets: bool = switch(help="leave pods of DaemonSets where they are")
    delete_emptydir_data: bool = switch(help="also pods whose emptyDir volumes are lost with them")
    grace_period: int | None = number(help="seconds each pod gets to end; -1 is its own", default=-1)
    pod_selector: str = text(help="only pods with these labels")
    timeout: float | None = duration(help="how long to wait at most; 0 has no limit", default=0.0)


async def run_drain(exchange: Exchange, parsed: Parsed[DrainFlags]) -> int:
    """Cordon nodes and end their pods."""
    flags = parsed.options
    grace = flags.grace_period if flags.grace_period is not None and flags.grace_period >= 0 else None
    request = DrainRequest(
        force=flags.force,
        ignore_daemonsets=flags.ignore_daemonsets,
        delete_emptydir_data=flags.delete_emptydir_data,
        grace_seconds=grace,
        pod_selector=label_selector(flags.pod_selector),
        within=flags.timeout or None,
    )
    code = 0
    for name in _names(parsed):
        code = max(code, await _drain(exchange, name, request, flags))
    return code


async def _drain(exchange: Exchange, name: str, request: DrainRequest, flags: DrainFlags) -> int:
    session = exchange.session
    existing_node(session, name)
    changed = await cordon(session, name, dry_run=flags.dry)
    await exchange.line(f"node/{name} {'cordoned' if changed.changed else 'already cordoned'}{flags.note}")
    plan = plan_drain(session.plane.store.on_node(name), request)
    check_plan(name, plan)
    for warning in plan.warnings:
        await exchange.err(f"Warning: {warning}")
    for pod in plan.pods:
        await exchange.line(f"evicting pod {pod.key.namespace}/{pod.key.name}{flags.note}")
    code = 0
    if not flags.dry:
        async with aclosing(evict(session, plan.pods, request)) as evictions:
            async for evicted in evictions:
                if evicted.error is None:
                    await exchange.line(f"pod/{evicted.pod.key.name} evicted")
                elif evicted.again:
                    key = evicted.pod.key
                    what = f'error when evicting pods/"{key.name}" -n "{key.namespace}" (will retry after 5s)'
                    await exchange.err(f"{what}: {evicted.error.message}")
                else:
                    code = max(code, exit_code(evicted.error))
                    await print_api_error(exchange, evicted.error)
    if not code:
        await exchange.line(f"node/{name} drained{flags.note}")
    return code


def _command(name: tuple[str, ...], summary: str, options: type, run: Any) -> Command[Any]:
    title = " ".join(name)
    more = " [--force] [--grace-period S] [--timeout D]" if options is DrainFlags else ""
    return Command(name, f"{title} NODE [NODE ...]{more}", summary, f"{title} node-1", options, run, Words.NODES)


_CORDON = ("keep new pods from nodes", NoOptions, _cordon(True))
_UNCORDON = ("let new pods come to nodes again", NoOptions, _cordon(False))
_DRAIN = ("cordon nodes and end their pods in order", DrainFlags, run_drain)

COMMANDS = (
    _command(("node", "stop"), "let nodes die: their pods end at once", NoOptions, _fault("stop")),
    _command(("node", "partition"), "cut nodes off: heartbeats stop, pods run on", NoOptions, _fault("partition")),
    _command(("node", "start"), "bring nodes back", NoOptions, _fault("start")),
    _command(("node", "cordon"), *_CORDON),
    _command(("node", "uncordon"), *_UNCORDON),
    _command(("node", "drain"), *_DRAIN),
    _command(("cordon",), *_CORDON),
    _command(("uncordon",), *_UNCORDON),
    _command(("drain",), *_DRAIN),
)
