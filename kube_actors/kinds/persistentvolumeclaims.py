"""PersistentVolumeClaims."""

from __future__ import annotations

from kube_actors.api import names
from kube_actors.api.quantity import Quantity
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.selectors import label_selector_rules

ACCESS_MODES = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
OLD_SOURCES = (("PersistentVolumeClaim", ""), ("VolumeSnapshot", "snapshot.storage.k8s.io"))
FROZEN = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"


def default_claim(body: Body) -> None:
    """A claim, or the template of one."""
    spec = body.get("spec")
    if isinstance(spec, dict):
        spec.setdefault("volumeMode", "Filesystem")


def _default(body: Body) -> None:
    default_claim(body)
    body.setdefault("status", {}).setdefault("phase", "Pending")


def claim_rules(spec: Body, field: str) -> list[Cause]:
    """What the spec of a claim may not be."""
    modes = spec.get("accessModes") or []
    found = [] if modes else [causes.required(f"{field}.accessModes", "at least 1 access mode is required")]
    found += access_mode_rules(modes, f"{field}.accessModes")
    if spec.get("selector") is not None:
        found += label_selector_rules(spec["selector"], f"{field}.selector")
    requests = (spec.get("resources") or {}).get("requests") or {}
    place = f"{field}.resources[storage]"
    if "storage" not in requests:
        found.append(causes.required(place))
    elif Quantity.parse(str(requests["storage"])).milli <= 0:
        found.append(causes.invalid(place, requests["storage"], "must be greater than zero"))
    for name in ("storageClassName", "volumeAttributesClassName"):
        value = spec.get(name)
        if value:
            found += [causes.invalid(f"{field}.{name}", value, why) for why in names.dns1123_subdomain(value)]
    for name in ("dataSource", "dataSourceRef"):
        if spec.get(name) is not None:
            found += _data_source(spec[name], f"{field}.{name}")
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and reference is not None and source != _plain(reference):
        found.append(causes.invalid(field, f"{field}.dataSource", "must match dataSourceRef"))
    if spec.get("volumeMode") not in (None, *VOLUME_MODES):
        found.append(causes.not_supported(f"{field}.volumeMode", spec["volumeMode"], VOLUME_MODES))
    return found


def _data_source(source: Body, field: str) -> list[Cause]:
    """What the volume is to be filled from."""
    found = [causes.required(f"{field}.{name}") for name in ("name", "kind") if not source.get(name)]
    group, kind = source.get("apiGroup") or "", source.get("kind", "")
    if not group and kind and kind != "PersistentVolumeClaim":
        why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
        found.append(causes.invalid(field, kind, why))
    return found + [causes.invalid(field, group, why) for why in (names.dns1123_subdomain(group) if group else ())]


def _plain(source: Body) -> Body:
    return {name: value for name, value in source.items() if name != "namespace"}


def _prepare_create(body: Body) -> None:
    """`dataSource` and `dataSourceRef` say the same; the older of them only ever meant claims and snapshots."""
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if isinstance(source, dict) and reference is None:
        if (source.get("kind"), source.get("apiGroup") or "") in OLD_SOURCES:
            spec["dataSourceRef"] = dict(source)
        else:
            del spec["dataSource"]
    elif isinstance(reference, dict) and source is None and not reference.get("namespace"):
        spec["dataSource"] = _plain(reference)


def access_mode_rules(modes: list[str], field: str) -> list[Cause]:
    """Each a known one, and ReadWriteOncePod only by itself."""
    found = [causes.not_supported(field, mode, sorted(ACCESS_MODES)) for mode in modes if mode not in ACCESS_MODES]
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        found.append(causes.forbidden(field, "may not use ReadWriteOncePod with other access modes"))
    return found


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec")
    if not isinstance(spec, dict):
        return []  # the schema asks for it
    found = claim_rules(spec, "spec")
    if old is not None:
        found += _changes(spec, old)
    return found


def _changes(spec: Body, old: Body) -> list[Cause]:
    """Only a bound claim may ask for more, or for another class of attributes."""
    before = old["spec"]
    bound = (old.get("status") or {}).get("phase") == "Bound"
    loose = {"resources", "volumeAttributesClassName"} if bound else set()
    if not before.get("volumeName"):
        loose |= {"volumeName"}  # the binder writes it
    if not before.get("storageClassName"):
        loose |= {"storageClassName"}  # a default that comes late
    if _without(spec, loose) != _without(before, loose):
        return [causes.forbidden("spec", FROZEN)]
    wanted, had = (Quantity.parse(str(each["resources"]["requests"]["storage"])) for each in (spec, before))
    capacity = ((old.get("status") or {}).get("capacity") or {}).get("storage")
    has = Quantity.parse(str(capacity or "0"))
    if wanted.milli < had.milli and wanted.milli <= has.milli:  # an expansion that failed may be taken back
        return [causes.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")]
    return []


def _without(spec: Body, names: set[str]) -> Body:
    return {name: value for name, value in spec.items() if name not in names}


HOOKS = Hooks(default=_default, prepare_create=_prepare_create, validate=_validate, generation=None)
