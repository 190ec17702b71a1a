"""`kube-actors validate`."""

from __future__ import annotations

import click

from kube_actors.cli.group import epilog
from kube_actors.cli.options import files_argument


@click.command(
    short_help="Judge files without starting anything.",
    epilog=epilog("kube-actors validate cluster.yaml", "helm template chart | kube-actors validate -"),
)
@files_argument
@click.option("--partial", is_flag=True, help="The cluster has more than these files: do not look for what they name.")
@click.option("--strict", is_flag=True, help="Take warnings for errors.")
def command(files: tuple[str, ...], partial: bool, strict: bool) -> int:
    """Judge files, directories or - (stdin) without starting anything.

    Tells every problem with its file, line and column, and ends with status 2 when there is one.
    """
    from kube_actors.cli.main import BAD_INPUT
    from kube_actors.cli.reading import read
    from kube_actors.config.validation import validate
    from kube_actors.text import counted, visible

    file = read(files)
    findings = validate(file, known=None if partial else ())
    for label, found in (("error", findings.problems), ("warning", findings.warnings)):
        for problem in found:
            click.echo(f"{label}: {visible(str(problem))}", err=True)
    if findings.problems or (strict and findings.warnings):
        return BAD_INPUT
    cluster = f"cluster {file.config.name!r} with {counted(len(file.config.nodes), 'node')} and " if file.config else ""
    click.echo(f"valid: {cluster}{counted(len(findings.objects), 'object')}")
    return 0
