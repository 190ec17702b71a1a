"""`kubectl get` in its forms."""

from __future__ import annotations

from tests.clients.kit import Program

CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {app: web}}
data: {colour: blue}
"""


def test_get_in_every_format(each_kubectl: Program) -> None:
    """A table, wide, names, JSON, YAML, templates, custom columns."""
    kubectl = each_kubectl
    assert kubectl("apply", "-f", "-", stdin=CONFIG_MAP).stdout == "configmap/settings created\n"
    table = kubectl("get", "configmaps", "-l", "app=web").rows
    assert table[0] == ["NAME", "DATA", "AGE"]
    assert table[1][:2] == ["settings", "1"]
    assert kubectl("get", "cm", "settings", "-o", "name").stdout == "configmap/settings\n"
    assert kubectl("get", "cm", "settings", "-o", "json").json["data"] == {"colour": "blue"}
    assert "colour: blue" in kubectl("get", "cm", "settings", "-o", "yaml").stdout
    assert kubectl("get", "cm", "settings", "-o", "jsonpath={.data.colour}").stdout == "blue"
    columns = kubectl("get", "cm", "settings", "-o", "custom-columns=N:.metadata.name,C:.data.colour").rows
    assert columns == [["N", "C"], ["settings", "blue"]]
    assert kubectl("get", "cm", "nope", code=1).stderr == 'Error from server (NotFound): configmaps "nope" not found\n'
