"""Plugin of mypy: classes made by `kube_actors.records` are classes of attrs, so that `evolve` and `fields` know them.

Wrapping attrs' decorators and telling mypy's own plugin of them is what attrs' documentation ("Extending") describes.
"""

from mypy.plugin import Plugin
from mypy.plugins.attrs import attr_define_makers, attr_frozen_makers

attr_frozen_makers.add("kube_actors.records.frozen")
attr_define_makers.add("kube_actors.records.define")


def plugin(version: str) -> type[Plugin]:
    """What mypy asks for: a plugin that adds nothing else."""
    return Plugin
