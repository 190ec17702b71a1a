"""`set image` and `set env`: changing one thing of a pod template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kube_actors.store import Key, Revision
from kube_actors.verbs.errors import UsageError, VerbError
from kube_actors.verbs.session import Session

Body = dict[str, Any]
ALL = "*"


def parse_pairs(words: Sequence[str], example: str) -> dict[str, str]:
    """Read `name=value` words. UsageError."""
    pairs = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(f"{word!r} is not name=value, as in {example}")
        pairs[name] = value
    return pairs


async def set_image(session: Session, key: Key, images: Mapping[str, str], *, dry_run: bool = False) -> Revision:
    """Give containers (`*`: all) another image. VerbError for a container that is not there."""

    def change(spec: Body) -> None:
        containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
        for name, image in images.items():
            meant = [each for each in containers if name in (ALL, each["name"])]
            if not meant:
                raise VerbError(f'unable to find container named "{name}"')
            for container in meant:
                container["image"] = image

    return await _change_template(session, key, change, dry_run=dry_run)


async def set_env(
    session: Session,
    key: Key,
    variables: Mapping[str, str],
    removed: Sequence[str] = (),
    *,
    container: str = ALL,
    dry_run: bool = False,
) -> Revision:
    """Set and remove environment variables of containers (`*`: all)."""

    def change(spec: Body) -> None:
        meant = [each for each in spec.get("containers") or () if container in (ALL, each["name"])]
        if not meant:
            raise VerbError(f'unable to find container named "{container}"')
        for each in meant:
            kept = [one for one in each.get("env") or () if one["name"] not in removed]
            known = {one["name"]: one for one in kept}
            for name, value in variables.items():
                if name in known:
                    known[name].pop("valueFrom", None)
                    known[name]["value"] = value
                else:
                    kept.append({"name": name, "value": value})
            each["env"] = kept

    return await _change_template(session, key, change, dry_run=dry_run)


async def _change_template(session: Session, key: Key, change: Callable[[Body], None], *, dry_run: bool) -> Revision:
    def edit(body: Body) -> Body:
        spec = body.get("spec") or {}
        template = spec.get("template")
        change(template["spec"] if isinstance(template, dict) else spec)
        return body

    revision = await session.client.edit(key, edit, "", dry_run=dry_run)
    await session.settled()
    return revision
