"""`kube-actors kubeconfig`."""

from __future__ import annotations

from pathlib import Path

import click

from kube_actors.cli.group import epilog
from kube_actors.cli.options import with_place


@click.command(
    short_help="Print or merge the kubeconfig of a cluster.",
    epilog=epilog("export KUBECONFIG=$(kube-actors kubeconfig --path)", "kube-actors kubeconfig --merge"),
)
@with_place
@click.option("--path", "only_path", is_flag=True, help="Print the path of the cluster's own kubeconfig instead.")
@click.option("--merge", is_flag=True, help="Add the cluster to $KUBECONFIG or ~/.kube/config, and make it current.")
def command(name: str | None, state_dir: str | None, only_path: bool, merge: bool) -> int:
    """Print the kubeconfig of a cluster: where its API answers, and the credentials of its owner.

    Nothing else of yours is touched unless you say --merge; all that is in that file stays, and a copy of it from
    before is kept beside it.
    """
    from kube_actors.cli.places import state_home

    if only_path and merge:
        raise click.UsageError("--path and --merge exclude each other")
    own = _own_file(state_home(state_dir), name)
    if only_path:
        click.echo(str(own))
    elif merge:
        _merge(own)
    else:
        click.echo(_text(own), nl=False)
    return 0


def _own_file(home: Path, name: str | None) -> Path:
    """The kubeconfig of the cluster that runs; of one that does not, if it is named and its state is kept."""
    from kube_actors.cli.places import NotRunning, find_running, kept_state

    try:
        state = find_running(home, name).state
    except NotRunning:
        if name is None or not kept_state(home, name).kubeconfig.exists():
            raise
        state = kept_state(home, name)
    return state.kubeconfig


def _text(own: Path) -> str:
    from kube_actors.errors import InputError, Problem

    try:
        return own.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError([Problem("this cluster serves no API", file=str(own))]) from None
    except OSError as error:
        raise InputError([Problem(f"cannot be read: {error.strerror}", file=str(own))]) from None


def _merge(own: Path) -> None:
    from kube_actors.cli.kubeconfig_merge import merge_into, target
    from kube_actors.text import one_line

    done = merge_into(target(), _text(own), own)
    where = one_line(str(done.path))
    click.echo(f"{where} {'has' if done.changed else 'had'} the context {done.context}, which is current now")
    if done.backup is not None:
        click.echo(f"the file before is kept as {one_line(str(done.backup))}")
