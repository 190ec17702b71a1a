"""`kube-actors apply`."""

from __future__ import annotations

import click

from kube_actors.cli.group import epilog
from kube_actors.cli.options import with_place


@click.command(
    short_help="Bring a running cluster to what files say.",
    epilog=epilog(
        "kube-actors apply -f cluster.yaml",
        "sed 's/:0.1/:0.2/' cluster.yaml | kube-actors apply -f -",
    ),
)
@with_place
@click.option("-f", "--filename", "options", metavar="FILE", multiple=True, help="File, directory or - (stdin).")
@click.option("--prune", is_flag=True, help="Delete objects that were in the files last time and are gone from them.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--refuse-conflicts", is_flag=True, help="Fail where others have set a field, instead of taking it over.")
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path())
def command(
    files: tuple[str, ...],
    options: tuple[str, ...],
    name: str | None,
    state_dir: str | None,
    prune: bool,
    dry_run: bool,
    refuse_conflicts: bool,
) -> int:
    """Bring a running cluster to what files say: each object is created, configured or unchanged.

    A Cluster document in them is applied as well where it can be: nodes are added, removed and relabelled.
    """
    from kube_actors.cli.applying import apply_through_console, find_target, origin_of
    from kube_actors.cli.places import state_home
    from kube_actors.cli.reading import read
    from kube_actors.config.validation import validate

    named = (*options, *files)
    if not named:
        raise click.UsageError("there is nothing to apply: name a file with -f")
    file = read(named)
    validate(file, known=None).raise_problems()
    cluster = find_target(state_home(state_dir), name, file)
    flags = {"--prune": prune, "--dry-run=server": dry_run, "--server-side": refuse_conflicts}
    wanted = [flag for flag, chosen in flags.items() if chosen]
    return apply_through_console(cluster, file, origin_of(file.cluster, named), wanted)
