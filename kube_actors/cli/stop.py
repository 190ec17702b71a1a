"""`kube-actors stop`."""

from __future__ import annotations

import click

from kube_actors.cli.group import epilog
from kube_actors.cli.options import with_place


@click.command(
    short_help="End a running cluster in order.",
    epilog=epilog("kube-actors stop", "kube-actors stop --name quickstart --timeout 30"),
)
@with_place
@click.option("--all", "everything", is_flag=True, help="Stop every running cluster.")
@click.option("--timeout", type=float, metavar="SECONDS", help="How long to wait.  [default: its shutdown time + 5]")
@click.option("--force", is_flag=True, help="Kill what has not ended by then.")
def command(name: str | None, state_dir: str | None, everything: bool, timeout: float | None, force: bool) -> int:
    """End a running cluster in order: preStop hooks and grace periods of its pods are honoured.

    With `onRuntimeExit: keep` its pods run on.
    """
    from kube_actors.cli.main import NOT_FOUND
    from kube_actors.cli.places import find_running, running_clusters, state_home

    home = state_home(state_dir)
    clusters = running_clusters(home) if everything else [find_running(home, name)]
    if not clusters:
        click.echo("no cluster is running")
    stopped = [_stop(cluster, timeout, force) for cluster in clusters]
    return 0 if all(stopped) else NOT_FOUND


def _stop(cluster: object, timeout: float | None, force: bool) -> bool:
    """Signal one runtime and wait for it; says what became of it."""
    import signal

    from kube_actors.cli.places import RunningCluster, pods_run_on

    assert isinstance(cluster, RunningCluster)
    record = cluster.record
    within = record.shutdown_seconds + 5.0 if timeout is None else timeout
    try:
        ended = record.process.end(signal.SIGTERM, within)
        if not ended and force:
            ended = record.process.end(signal.SIGKILL, 5.0)
    except PermissionError:
        click.echo(f"error: cluster {record.name!r} belongs to another user (process {record.process.pid})", err=True)
        return False
    if ended:
        left = f"; its pods run on (to end them: kube-actors reset --name {cluster.state.root.name})"
        click.echo(f"stopped {record.name}{left if pods_run_on(cluster.state) else ''}")
    else:
        hint = f"process {record.process.pid}; --force kills it"
        click.echo(f"error: {record.name} has not ended within {within:g} s ({hint})", err=True)
    return ended
