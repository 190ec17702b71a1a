"""`kube-actors run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kube_actors.cli.group import epilog
from kube_actors.cli.options import files_argument, with_state_dir

if TYPE_CHECKING:
    from kube_actors.node.runtime.agent_interpreter import AgentInterpreter


@click.command(
    short_help="Start a cluster from files and stay with it.",
    epilog=epilog(
        "kube-actors run cluster.yaml",
        "kube-actors run --virtual --seed 7 --until 24h --trace trace.jsonl simulated.yaml",
    ),
)
@files_argument
@with_state_dir
@click.option("--name", metavar="NAME", help="What the cluster is called, instead of what the file says.")
@click.option("--ephemeral", is_flag=True, help="Keep nothing: all state goes with the cluster.")
@click.option("--prune", is_flag=True, help="Delete objects that were in the files last time and are gone from them.")
@click.option("--virtual", is_flag=True, help="Live in virtual time: simulated nodes only, as fast as it goes.")
@click.option("--seed", type=int, metavar="N", help="The seed of all randomness, instead of the file's.")
@click.option("--until", metavar="DURATION", help="End after so much cluster time: 90s, 10m, 24h.")
@click.option("--trace", metavar="FILE", type=click.Path(dir_okay=False), help="Write every message as a line of JSON.")
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
@click.option("--log-format", type=click.Choice(["console", "json"]), default="console", show_default=True)
@click.option("--no-input", is_flag=True, help="Never ask, and draw nothing: as if no terminal were there.")
def command(files: tuple[str, ...], log_level: str, log_format: str, **options: object) -> int:
    """Start the cluster that files, directories or - (stdin) describe, and stay until Ctrl-C.

    What the files say is applied, its progress shown until everything is ready; the last line on stdout is then the
    URL of the first listener. Wrong files start nothing: every problem is told at once, with status 2.
    """
    import gc

    gc.disable()  # until the cluster runs: what is made by then stays, and looking for garbage in it costs 60 ms
    from kube_actors.cli.allowances import settle_allowances

    settle_allowances()
    interpreter = None if options["virtual"] else _interpreter()
    try:
        return _run(files, log_level, log_format, options, interpreter)
    finally:
        if interpreter is not None:
            interpreter.close()


def _interpreter() -> AgentInterpreter | None:
    """Most clusters need an agent: its process reads its code on another processor while this one reads all the rest.

    None when no process can be started: whether this cluster needs one shows when its files have been read.
    """
    from kube_actors.node.runtime.agent_interpreter import AgentInterpreter

    try:
        return AgentInterpreter()
    except OSError:
        return None


def _run(
    files: tuple[str, ...],
    log_level: str,
    log_format: str,
    options: dict[str, object],
    interpreter: AgentInterpreter | None,
) -> int:
    from kube_actors.cli.logs import set_up_logs
    from kube_actors.cli.signals import EndSignals

    signals = EndSignals()
    set_up_logs(log_level, log_format)
    from kube_actors.cli.run_options import RunOptions
    from kube_actors.cli.running import run

    return run(RunOptions.of(files, options), signals, interpreter)
