"""Pod templates and containers as `kubectl describe` shows them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from kube_actors.api.times import parse_rfc3339
from kube_actors.verbs.printing.probes import probe_text
from kube_actors.verbs.printing.sheet import NONE, Sheet
from kube_actors.verbs.printing.volumes import volume_lines

Body = Mapping[str, Any]


def time_text(time: str | None) -> str:
    """A time as people read it: `Fri, 02 Jan 2026 03:04:05 +0000`."""
    if not time:
        return "<unknown>"
    moment = datetime.datetime.fromtimestamp(parse_rfc3339(time), datetime.UTC)
    return moment.strftime("%a, %d %b %Y %H:%M:%S +0000")


def pod_template_text(template: Body) -> str:
    """A pod template by itself, for `rollout history --revision`."""
    sheet = Sheet()
    describe_template(sheet, template)
    return str(sheet)


def describe_template(sheet: Sheet, template: Body) -> None:
    """`Pod Template:` with labels, containers and volumes."""
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    sheet.line("Pod Template:")
    sheet.pairs("Labels", metadata.get("labels"), 1)
    if metadata.get("annotations"):
        sheet.pairs("Annotations", metadata["annotations"], 1, ": ")
    if spec.get("serviceAccountName"):
        sheet.value("Service Account", spec["serviceAccountName"], 1)
    if spec.get("initContainers"):
        describe_containers(sheet, "Init Containers", spec["initContainers"], {}, {}, 1)
    describe_containers(sheet, "Containers", spec.get("containers") or (), {}, {}, 1)
    describe_volumes(sheet, spec, 1)
    if spec.get("priorityClassName"):
        sheet.value("Priority Class Name", spec["priorityClassName"], 1)
    sheet.pairs("Node-Selectors", spec.get("nodeSelector"), 1)
    sheet.values("Tolerations", tolerations(spec), 1)


def describe_containers(
    sheet: Sheet,
    heading: str,
    containers: Sequence[Body],
    statuses: Mapping[str, Body],
    pids: Mapping[str, int],
    level: int = 0,
) -> None:
    """Containers; `statuses` and `pids` (process ids on the machine) by container name, of those that have them."""
    sheet.line(f"{heading}:", level)
    for container in containers:
        name = container["name"]
        sheet.line(f"{name}:", level + 1)
        _describe_container(sheet, container, statuses.get(name), pids.get(name, 0), level + 2)


def _describe_container(sheet: Sheet, container: Body, status: Body | None, pid: int, level: int) -> None:
    if status is not None:
        sheet.value("Container ID", status.get("containerID", ""), level)
        if pid:
            sheet.value("PID", pid, level)
    sheet.value("Image", container.get("image", ""), level)
    if status is not None:
        sheet.value("Image ID", status.get("imageID", ""), level)
    ports = container.get("ports") or ()
    sheet.value("Port" if len(ports) < 2 else "Ports", _ports(ports, "containerPort"), level)
    sheet.value("Host Port" if len(ports) < 2 else "Host Ports", _ports(ports, "hostPort"), level)
    for title, field in (("Command", "command"), ("Args", "args")):
        if container.get(field):
            sheet.line(f"{title}:", level)
            for word in container[field]:
                for line in str(word).split("\n"):
                    sheet.line(line, level + 1)
    if status is not None:
        _describe_state(sheet, status, level)
    for kind, title in (("limits", "Limits"), ("requests", "Requests")):
        amounts = (container.get("resources") or {}).get(kind)
        if amounts:
            sheet.line(f"{title}:", level)
            for name in sorted(amounts):
                sheet.value(name, amounts[name], level + 1)
    for field, title in (("livenessProbe", "Liveness"), ("readinessProbe", "Readiness"), ("startupProbe", "Startup")):
        if container.get(field):
            sheet.value(title, probe_text(container[field]), level)
    _describe_environment(sheet, container, level)
    _describe_mounts(sheet, container, level)


def _ports(ports: Sequence[Body], field: str) -> str:
    return ", ".join(f"{port.get(field, 0)}/{port.get('protocol', 'TCP')}" for port in ports) or NONE


def _describe_state(sheet: Sheet, status: Body, level: int) -> None:
    _describe_one_state(sheet, "State", status.get("state") or {}, level)
    if status.get("lastState"):
        _describe_one_state(sheet, "Last State", status["lastState"], level)
    sheet.value("Ready", bool(status.get("ready")), level)
    sheet.value("Restart Count", status.get("restartCount", 0), level)


def _describe_one_state(sheet: Sheet, title: str, state: Body, level: int) -> None:
    if "running" in state:
        sheet.value(title, "Running", level)
        sheet.value("Started", time_text(state["running"].get("startedAt")), level + 1)
    elif "terminated" in state:
        ended = state["terminated"]
        sheet.value(title, "Terminated", level)
        for name, field in (("Reason", "reason"), ("Message", "message")):
            if ended.get(field):
                sheet.value(name, ended[field], level + 1)
        sheet.value("Exit Code", ended.get("exitCode", 0), level + 1)
        if ended.get("signal"):
            sheet.value("Signal", ended["signal"], level + 1)
        sheet.value("Started", time_text(ended.get("startedAt")), level + 1)
        sheet.value("Finished", time_text(ended.get("finishedAt")), level + 1)
    else:
        waiting = state.get("waiting") or {}
        sheet.value(title, "Waiting", level)
        if waiting.get("reason"):
            sheet.value("Reason", waiting["reason"], level + 1)
        if waiting.get("message"):
            sheet.value("Message", waiting["message"], level + 1)


def _describe_environment(sheet: Sheet, container: Body, level: int) -> None:
    for source in container.get("envFrom") or ():
        kind, field = ("ConfigMap", "configMapRef") if "configMapRef" in source else ("Secret", "secretRef")
        reference = source.get(field) or {}
        sheet.line("Environment Variables from:", level)
        sheet.row(
            (reference.get("name", ""), kind, f"Optional: {str(bool(reference.get('optional'))).lower()}"), level + 1
        )
    variables = container.get("env") or ()
    if not variables:
        sheet.value("Environment", NONE, level)
        return
    sheet.line("Environment:", level)
    for variable in variables:
        sheet.value(variable["name"], _variable(variable), level + 1)


def _variable(variable: Body) -> str:
    source = variable.get("valueFrom")
    if not source:
        return str(variable.get("value", ""))
    if "fieldRef" in source:
        reference = source["fieldRef"]
        return f" ({reference.get('apiVersion', 'v1')}:{reference.get('fieldPath', '')})"
    if "resourceFieldRef" in source:
        reference = source["resourceFieldRef"]
        return f" ({reference.get('resource', '')})"
    for field, kind in (("secretKeyRef", "secret"), ("configMapKeyRef", "config map")):
        if field in source:
            reference = source[field]
            optional = str(bool(reference.get("optional"))).lower()
            return (
                f"<set to the key '{reference.get('key')}' of {kind} '{reference.get('name')}'>  Optional: {optional}"
            )
    return ""


def _describe_mounts(sheet: Sheet, container: Body, level: int) -> None:
    mounts = container.get("volumeMounts") or ()
    if not mounts:
        sheet.value("Mounts", NONE, level)
        return
    sheet.line("Mounts:", level)
    for mount in sorted(mounts, key=lambda each: str(each.get("mountPath"))):
        flags = "ro" if mount.get("readOnly") else "rw"
        path = mount.get("subPath") or mount.get("subPathExpr")
        extra = f',path="{path}"' if path else ""
        sheet.line(f"{mount.get('mountPath')} from {mount.get('name')} ({flags}{extra})", level + 1)


def describe_volumes(sheet: Sheet, spec: Body, level: int = 0) -> None:
    """`Volumes:` with where each comes from."""
    volumes = spec.get("volumes") or ()
    if not volumes:
        sheet.value("Volumes", NONE, level)
        return
    sheet.line("Volumes:", level)
    for volume in volumes:
        sheet.line(f"{volume['name']}:", level + 1)
        for name, value in volume_lines(volume):
            sheet.value(name, value, level + 2)


def tolerations(spec: Body) -> list[str]:
    """`key=value:NoSchedule op=Exists for 300s`, sorted."""
    return sorted(map(_toleration, spec.get("tolerations") or ()))


def _toleration(toleration: Body) -> str:
    text = str(toleration.get("key", ""))
    if toleration.get("value"):
        text += f"={toleration['value']}"
    if toleration.get("effect"):
        text += f":{toleration['effect']}"
    if toleration.get("operator") == "Exists" and not toleration.get("value"):
        text += f"{' ' if text else ''}op=Exists"
    if toleration.get("tolerationSeconds") is not None:
        text += f" for {toleration['tolerationSeconds']}s"
    return text
