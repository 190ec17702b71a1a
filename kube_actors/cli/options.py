"""Options that several commands share, and how they are completed in a shell."""

from __future__ import annotations

import functools
from typing import Any

import click


def complete_names(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Names of clusters."""
    from kube_actors.cli.places import known_names, state_home

    return [name for name in known_names(state_home(ctx.params.get("state_dir"))) if name.startswith(incomplete)]


def with_place(function: Any) -> Any:
    """`--name` and `--state-dir`, which every command that means a cluster has."""
    return with_state_dir(
        click.option(
            "--name", metavar="NAME", shell_complete=complete_names, help="The cluster; not needed when only one runs."
        )(function)
    )


def with_state_dir(function: Any) -> Any:
    """`--state-dir`."""
    return click.option(
        "--state-dir",
        metavar="DIR",
        envvar="KUBE_ACTORS_STATE_DIR",
        type=click.Path(file_okay=False),
        help="Where the state of clusters is kept.  [default: $XDG_STATE_HOME/kube-actors]",
    )(function)


def files_argument(function: Any) -> Any:
    """FILE..., or `-f FILE` as hands are used to: at least one, all of them in `files`."""

    @functools.wraps(function)
    def with_files(files: tuple[str, ...], filenames: tuple[str, ...], **rest: Any) -> Any:
        if not files and not filenames:
            raise click.UsageError("Missing argument 'FILE...'.")
        return function(files=(*filenames, *files), **rest)

    option = click.option("-f", "--filename", "filenames", multiple=True, type=click.Path(), hidden=True)
    return click.argument("files", metavar="FILE...", nargs=-1, type=click.Path())(option(with_files))
