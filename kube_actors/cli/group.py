"""Commands that are imported when they are used, with a suggestion for those that do not exist."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click


class LazyGroup(click.Group):
    """A group whose commands are `command` of a module each, in the order they are listed."""

    def __init__(self, *args: object, modules: Mapping[str, str], **settings: object) -> None:
        super().__init__(*args, **settings)  # type: ignore[arg-type]  # click's own, passed on as they are
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In our order, which is that of a person's first day."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        module = self._modules.get(cmd_name)
        if module is None:
            return None
        command: click.Command = importlib.import_module(module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; an unknown command names the nearest that exists."""
        name = args[0]
        if name.startswith("-") or name in self._modules or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from kube_actors.text import did_you_mean  # only a mistyped word needs it

        hint = did_you_mean(name, self._modules) or f"there are: {', '.join(self._modules)}"
        ctx.fail(f"there is no command {name!r} ({hint})")


def epilog(*examples: str) -> str:
    """The end of a command's help: its examples, each on its own line."""
    lines = "\n".join(f"  {each}" for each in examples)
    return f"\b\nExample{'s' if len(examples) > 1 else ''}:\n{lines}"
