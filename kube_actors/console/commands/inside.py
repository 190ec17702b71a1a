"""`actors`, `trace`, `stats`: looking inside."""

from __future__ import annotations

import datetime
from contextlib import aclosing

import attrs

from kube_actors.api.codecs import json
from kube_actors.console.commands.command import Command, Words
from kube_actors.console.exchange import Exchange
from kube_actors.kernel import ActorStatus, TraceRecord
from kube_actors.kinds.columns import human_duration
from kube_actors.records import frozen
from kube_actors.text import one_line
from kube_actors.verbs.actors import actors, describe_actor, normal_path
from kube_actors.verbs.arguments import Parsed, duration, number, switch, text
from kube_actors.verbs.errors import UsageError, VerbError
from kube_actors.verbs.printing.columns import align, column_widths, table_line
from kube_actors.verbs.stats import Stats, stats
from kube_actors.verbs.trace import Missed, message_text, record_body, trace

_OUTPUTS = ("", "wide", "json")


@frozen(slots=False)
class ActorFlags:
    """Flags of `actors`."""

    output: str = text("o", help="wide or json", choices=_OUTPUTS)
    no_headers: bool = switch(help="no line of headers")
    failed: bool = switch(help="only those that failed or do not run")


async def run_actors(exchange: Exchange, parsed: Parsed[ActorFlags]) -> int:
    """List actors as a tree, or let one describe itself."""
    flags = parsed.options
    if len(parsed.words) > 1:
        raise UsageError("say one path, as in actors /nodes/node-1")
    path = normal_path(parsed.words[0]) if parsed.words else "/"
    found = await actors(exchange.session, path)
    if flags.failed:
        found = tuple(each for each in found if each.last_error or each.state.value != "running")
    if flags.output == "json":
        await exchange.line(json.dumps_pretty([_actor_body(each) for each in found]))
        return 0
    now = exchange.session.now
    header = ("PATH", "STATE", "MAIL", "LATCH", "RESTARTS", "HANDLED", "SINCE", "LAST MESSAGE", "LAST ERROR")
    rows = [_actor_row(each, now, wide=flags.output == "wide") for each in found]
    if not flags.no_headers:
        rows.insert(0, header)
    widths = column_widths(rows)
    await exchange.out("".join(f"{table_line(row, widths).rstrip()}\n" for row in rows))
    if path != "/":
        await _print_description(exchange, path)
    return 0


def _actor_row(actor: ActorStatus, now: float, *, wide: bool) -> tuple[str, ...]:
    error = one_line(actor.last_error)
    return (
        actor.path,
        actor.state.value,
        str(actor.mailbox_depth),
        str(actor.latch_depth),
        str(actor.restarts),
        str(actor.handled),
        human_duration(max(0.0, now - actor.since)),
        actor.last_message or "-",
        error if wide or len(error) <= 60 else f"{error[:60]}...",
    )


def _actor_body(actor: ActorStatus) -> dict[str, object]:
    return {**attrs.asdict(actor), "state": actor.state.value}


async def _print_description(exchange: Exchange, path: str) -> None:
    """What the actor says of itself; nothing when it only stands above others."""
    if exchange.session.system.find(path) is None:
        return
    try:
        description = await describe_actor(exchange.session, path)
    except VerbError as error:
        await exchange.err(f"error: {error}")
        return
    lines = "\n".join(f"{name}:\t{one_line(value)}" for name, value in description.facts)
    await exchange.out(f"\n{align(lines)}\n")


@frozen(slots=False)
class TraceFlags:
    """Flags of `trace`."""

    duration: float | None = duration(help="end after so long (cluster time)")
    limit: int | None = number(help="end after so many records")
    output: str = text("o", help="json: a record per line", choices=("", "json"))


async def run_trace(exchange: Exchange, parsed: Parsed[TraceFlags]) -> int:
    """Follow the conversation of the actors at and below a path."""
    flags = parsed.options
    if len(parsed.words) > 1:
        raise UsageError("say one path, as in trace /deployments/default.web")
    path = parsed.words[0] if parsed.words else "/"
    await actors(exchange.session, path)
    said = trace(exchange.session, path, seconds=flags.duration, limit=flags.limit)
    async with aclosing(said) as records:
        async for record in records:
            if isinstance(record, Missed):
                await exchange.err(f"({record.count} records were missed: more was said than could be shown)")
            elif flags.output == "json":
                await exchange.line(json.dumps(record_body(record)).decode())
            else:
                await exchange.line(_trace_line(record))
    return 0


def _trace_line(record: TraceRecord) -> str:
    """`12:00:01.234 ask    /a -> /b  Scale(replicas=3)`."""
    moment = datetime.datetime.fromtimestamp(record.time, datetime.UTC)
    clock = moment.strftime("%H:%M:%S.") + f"{moment.microsecond // 1000:03d}"
    sender = record.sender or "(outside)"
    return one_line(f"{clock} {record.kind.value:<6} {sender} -> {record.receiver}  {message_text(record)}")


@frozen(slots=False)
class StatsFlags:
    """Flags of `stats`."""

    output: str = text("o", help="json", choices=("", "json"))


async def run_stats(exchange: Exchange, parsed: Parsed[StatsFlags]) -> int:
    """Show the cluster in figures."""
    if parsed.words:
        raise UsageError(f"unexpected argument {parsed.words[0]!r}")
    found = await stats(exchange.session)
    if parsed.options.output == "json":
        await exchange.line(json.dumps_pretty(attrs.asdict(found)))
    else:
        await exchange.out(_stats_text(found))
    return 0


def _stats_text(found: Stats) -> str:
    rows = [
        ("Uptime", human_duration(found.uptime)),
        ("Clock", found.clock),
        ("Revision", f"{found.head} (durable: {found.durable})"),
        ("Objects", str(sum(found.objects.values()))),
        *((f"  {resource}", str(count)) for resource, count in found.objects.items()),
        ("Watches", str(found.watchers)),
        ("Actors", ", ".join(f"{count} {state}" for state, count in found.actors.items())),
        ("Messages waiting", str(found.waiting_messages)),
        ("Actor restarts", str(found.restarts)),
        ("Dead letters", str(found.dead_letters)),
        ("Memory", f"{_mebibytes(found.proportional)} proportional, {_mebibytes(found.resident)} resident"),
    ]
    return align("\n".join(f"{name}:\t{value}" for name, value in rows)) + "\n"


def _mebibytes(size: int | None) -> str:
    return "unknown" if size is None else f"{size / (1 << 20):.1f} MiB"


COMMANDS = (
    Command(
        ("actors",),
        "actors [PATH] [-o wide|json] [--failed]",
        "show the tree of actors, or what one says of itself",
        "actors /nodes/node-1",
        ActorFlags,
        run_actors,
        Words.ACTORS,
    ),
    Command(
        ("trace",),
        "trace [PATH] [--duration D] [--limit N] [-o json]",
        "follow what actors say to each other",
        "trace /deployments/default.web --duration 10s",
        TraceFlags,
        run_trace,
        Words.ACTORS,
    ),
    Command(
        ("stats",),
        "stats [-o json]",
        "show the cluster in figures",
        "stats",
        StatsFlags,
        run_stats,
    ),
)
