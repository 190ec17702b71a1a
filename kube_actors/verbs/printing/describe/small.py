"""Services, Namespaces, ConfigMaps and Secrets."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from kube_actors.verbs.printing.describe.facts import Body, Facts
from kube_actors.verbs.printing.describe.parts import describe_labels
from kube_actors.verbs.printing.sheet import NONE, UNSET, Sheet


def describe_service(sheet: Sheet, facts: Facts) -> None:
    """A Service, with the endpoints of each port."""
    metadata, spec = facts.body["metadata"], facts.body["spec"]
    sheet.value("Name", metadata["name"])
    sheet.value("Namespace", metadata.get("namespace", ""))
    describe_labels(sheet, metadata)
    selector = spec.get("selector") or {}
    sheet.value("Selector", ",".join(f"{key}={selector[key]}" for key in sorted(selector)) or NONE)
    sheet.value("Type", spec.get("type", ""))
    sheet.value("IP Family Policy", spec.get("ipFamilyPolicy", ""))
    sheet.value("IP Families", ",".join(spec.get("ipFamilies") or ()) or NONE)
    sheet.value("IP", spec.get("clusterIP", ""))
    sheet.value("IPs", ",".join(spec.get("clusterIPs") or ()) or NONE)
    if spec.get("externalIPs"):
        sheet.value("External IPs", ",".join(spec["externalIPs"]))
    for port in spec.get("ports") or ():
        protocol, name = port.get("protocol", "TCP"), port.get("name") or UNSET
        sheet.value("Port", f"{name}  {port['port']}/{protocol}")
        sheet.value("TargetPort", f"{port.get('targetPort', port['port'])}/{protocol}")
        if port.get("nodePort"):
            sheet.value("NodePort", f"{name}  {port['nodePort']}/{protocol}")
        sheet.value("Endpoints", _endpoints(port, facts.slices))
    sheet.value("Session Affinity", spec.get("sessionAffinity", "None"))
    if spec.get("externalTrafficPolicy"):
        sheet.value("External Traffic Policy", spec["externalTrafficPolicy"])
    if spec.get("internalTrafficPolicy"):
        sheet.value("Internal Traffic Policy", spec["internalTrafficPolicy"])


def _endpoints(port: Body, slices: Iterable[Body]) -> str:
    """`10.0.0.1:80,10.0.0.2:80 + 3 more...`; only what is ready."""
    found = []
    for each in slices:
        numbers = [
            own.get("port") for own in each.get("ports") or () if (own.get("name") or "") == port.get("name", "")
        ]
        for endpoint in each.get("endpoints") or ():
            if (endpoint.get("conditions") or {}).get("ready") is not False:
                found += [f"{address}:{number}" for number in numbers for address in endpoint.get("addresses") or ()]
    more = f" + {len(found) - 3} more..." if len(found) > 3 else ""
    return ",".join(sorted(found)[:3]) + more or NONE


def describe_namespace(sheet: Sheet, facts: Facts) -> None:
    """A Namespace."""
    metadata = facts.body["metadata"]
    sheet.value("Name", metadata["name"])
    describe_labels(sheet, metadata)
    sheet.value("Status", (facts.body.get("status") or {}).get("phase", ""))
    for condition in (facts.body.get("status") or {}).get("conditions") or ():
        sheet.value(
            condition.get("type", ""), f"{condition.get('status', '')} {condition.get('message', '')}".strip(), 1
        )


def describe_config_map(sheet: Sheet, facts: Facts) -> None:
    """A ConfigMap, with its data."""
    metadata = facts.body["metadata"]
    sheet.value("Name", metadata["name"])
    sheet.value("Namespace", metadata.get("namespace", ""))
    describe_labels(sheet, metadata)
    sheet.line("")
    sheet.line("Data")
    sheet.line("====")
    data = facts.body.get("data") or {}
    for key in sorted(data):
        sheet.line(f"{key}:")
        sheet.line("----")
        for line in str(data[key]).split("\n"):
            sheet.line(line.replace("\t", "        "))
        sheet.line("")
    sheet.line("")
    sheet.line("BinaryData")
    sheet.line("====")
    _describe_sizes(sheet, facts.body.get("binaryData") or {})
    sheet.line("")


def describe_secret(sheet: Sheet, facts: Facts) -> None:
    """A Secret, with the sizes of its data and nothing of what it says."""
    metadata = facts.body["metadata"]
    sheet.value("Name", metadata["name"])
    sheet.value("Namespace", metadata.get("namespace", ""))
    describe_labels(sheet, metadata)
    sheet.line("")
    sheet.value("Type", facts.body.get("type", "Opaque"))
    sheet.line("")
    sheet.line("Data")
    sheet.line("====")
    _describe_sizes(sheet, facts.body.get("data") or {})
    sheet.line("")


def _describe_sizes(sheet: Sheet, data: Body) -> None:
    for key in sorted(data):
        try:
            size = len(base64.b64decode(str(data[key])))
        except binascii.Error:
            size = len(str(data[key]))
        sheet.value(key, f"{size} bytes")
