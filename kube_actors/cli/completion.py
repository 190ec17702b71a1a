"""`kube-actors completion`."""

from __future__ import annotations

from typing import Final

import click

from kube_actors.cli.group import epilog

SHELLS: Final = ("bash", "zsh", "fish")


@click.command(
    short_help="Print completions for a shell.",
    epilog=epilog(
        "source <(kube-actors completion bash)",
        'kube-actors completion zsh > "${fpath[1]}/_kube-actors"',
        "kube-actors completion fish > ~/.config/fish/completions/kube-actors.fish",
    ),
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print what a shell needs to complete commands, options and cluster names."""
    from click.shell_completion import get_completion_class

    completion_class = get_completion_class(shell)
    assert completion_class is not None, "click knows all three"
    program = completion_class(ctx.find_root().command, {}, "kube-actors", "_KUBE_ACTORS_COMPLETE")
    click.echo(program.source_template % program.source_vars())
