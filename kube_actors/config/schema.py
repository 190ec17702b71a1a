"""What a Cluster document may contain: one table of facts, read by the validator and published as JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kube_actors.api.schema import Schema
from kube_actors.api.types import Kind, Node, TypeTable

API_VERSION: Final = "kube-actors.dev/v1alpha1"
KIND: Final = "Cluster"
SCHEMA_FILE: Final = Path(__file__).with_name("cluster.schema.json")

FACTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "Cluster": {
        "required": ["apiVersion", "kind"],
        "fields": {
            "apiVersion": "string",
            "kind": "string",
            "metadata": "@ClusterMetadata",
            "spec": "@ClusterSpec",
        },
    },
    "ClusterMetadata": {"fields": {"name": "string", "labels": "map[]string", "annotations": "map[]string"}},
    "ClusterSpec": {
        "fields": {
            "nodes": "[]@NodeGroup",
            "images": "map[]any",
            "hostImage": "bool",
            "schedulers": "[]@Scheduler",
            "network": "@Network",
            "api": "@Api",
            "listeners": "[]@Listener",
            "timeouts": "@Timeouts",
            "onRuntimeExit": {"t": "string", "enum": ["end", "keep"]},
            "on_runtime_exit": {"t": "string", "enum": ["end", "keep"]},
            "tier": {"t": "string", "enum": ["A", "B", "C"]},
            "seed": "int64",
        }
    },
    "NodeGroup": {
        "required": ["name"],
        "fields": {
            "name": "string",
            "count": "int32",
            "runtime": {"t": "string", "enum": ["docker", "process", "simulated"]},
            "capacity": "map[]quantity",
            "labels": "map[]string",
            "annotations": "map[]string",
            "taints": "[]@Taint",
            "unschedulable": "bool",
            "simulation": "map[]any",
            "docker": "map[]any",
        },
    },
    "Taint": {
        "required": ["key", "effect"],
        "fields": {
            "key": "string",
            "value": "string",
            "effect": {"t": "string", "enum": ["NoExecute", "NoSchedule", "PreferNoSchedule"]},
        },
    },
    "Image": {
        "fields": {
            "host": "bool",
            "rootfs": "string",
            "command": "[]string",
            "args": "[]string",
            "env": "map[]string",
            "workingDir": "string",
            "user": "string",
            "stopSignal": "string",
            "files": "map[]string",
            "binds": "[]string",
        }
    },
    "Scheduler": {
        "required": ["name"],
        "fields": {
            "name": "string",
            "policy": {"t": "string", "enum": ["LeastAllocated", "MostAllocated"]},
            "plugin": "string",
            "options": "map[]any",
        },
    },
    "Network": {
        "fields": {"podCIDR": "string", "serviceCIDR": "string", "nodeCIDR": "string", "clusterDomain": "string"}
    },
    "Api": {
        "fields": {
            "enabled": "bool",
            "host": "string",
            "port": "int32",
            "names": "[]string",
            "tokenFile": "string",
        }
    },
    "Listener": {
        "required": ["service"],
        "fields": {
            "service": "string",
            "namespace": "string",
            "servicePort": "intOrString",
            "host": "string",
            "port": "int32",
        },
    },
    "Timeouts": {
        "fields": {
            "shutdownTimeout": "intOrString",
            "nodeHeartbeat": "intOrString",
            "nodeGracePeriod": "intOrString",
            "defaultToleration": "intOrString",
            "eventTTL": "intOrString",
        }
    },
}

DESCRIPTIONS: Final[Mapping[str, str]] = {
    "ClusterSpec.nodes": "The nodes; without any there is one process node called node-1.",
    "ClusterSpec.images": "What image names stand for: `host` (this machine's programs), a root filesystem directory, "
    "or an object with `host: true` or `rootfs: DIR` and what an image may carry.",
    "ClusterSpec.hostImage": "Whether the image name `host` is there without being listed (default true).",
    "ClusterSpec.schedulers": "What pods can name in `schedulerName`; default-scheduler is always there.",
    "ClusterSpec.api": "The Kubernetes API over HTTPS, for kubectl, helm and client libraries.",
    "Api.enabled": "Whether it is served (default true).",
    "Api.host": "The address of this machine it listens at (default 127.0.0.1); any other lets others reach it, "
    "0.0.0.0 at all addresses the machine has.",
    "Api.port": "Its port; 0 (the default) takes a free one on the first start and keeps it.",
    "Api.names": "Further names and addresses by which clients reach it: they go into its certificate.",
    "Api.tokenFile": 'A file of static bearer tokens, a line each: TOKEN,USER,UID,"GROUP,GROUP".',
    "ClusterSpec.listeners": "Ports of this machine that lead to a Service.",
    "ClusterSpec.onRuntimeExit": "Whether pods end with the runtime (`end`) or run on and are adopted (`keep`).",
    "ClusterSpec.on_runtime_exit": "The same as onRuntimeExit.",
    "ClusterSpec.tier": "Force a sandbox tier instead of taking the best this machine allows.",
    "ClusterSpec.seed": "The seed of all randomness in the cluster.",
    "NodeGroup.count": "How many nodes: they are called NAME-1 … NAME-count. Without it there is one, called NAME.",
    "NodeGroup.capacity": "cpu, memory, ephemeral-storage, pods and others; by default this machine's, and 110 pods.",
    "NodeGroup.simulation": "How pods behave on simulated nodes.",
    "Image.files": "Files laid over the image: absolute path → content.",
    "Image.binds": "Further directories of this machine, shown read-only at the same path.",
    "Scheduler.policy": "LeastAllocated spreads pods, MostAllocated packs them.",
    "Scheduler.plugin": "`module:Class` of a scheduler of your own.",
    "Listener.port": "0 (the default) takes a free port.",
    "Timeouts.shutdownTimeout": "How long pods may take to end with the cluster (default 10s).",
    "Timeouts.nodeHeartbeat": "How often a node renews its Lease (default 10s).",
    "Timeouts.nodeGracePeriod": "After how long without heartbeat a node is Unknown (default 40s).",
    "Timeouts.defaultToleration": "How long pods stay on an unreachable node (default 300s).",
}

_TABLE: Final = TypeTable(FACTS)
_SCALARS: Final[Mapping[str, Mapping[str, Any]]] = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "int32": {"type": "integer"},
    "int64": {"type": "integer"},
    "intOrString": {"type": ["integer", "string"]},
    "quantity": {"type": ["number", "string"]},
    "any": {},
}


def schema_of(name: str) -> Schema:
    """The schema of one of the types above."""
    object_type = _TABLE.object_type(name)
    return Schema(Node(Kind.OBJECT, object_type=object_type, atomic=object_type.atomic))


def json_schema() -> dict[str, Any]:
    """The Cluster document as JSON Schema (2020-12), for editors."""
    definitions = {name: _definition(name, facts) for name, facts in FACTS.items()}
    images = definitions["ClusterSpec"]["properties"]["images"]
    images["additionalProperties"] = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Image"}]}
    cluster = definitions["Cluster"]["properties"]
    cluster["apiVersion"] = {"const": API_VERSION}
    cluster["kind"] = {"const": KIND}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "kube-actors Cluster",
        "$ref": "#/$defs/Cluster",
        "$defs": definitions,
    }


def _definition(name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    properties = {}
    for field, said in facts["fields"].items():
        properties[field] = _property(said)
        description = DESCRIPTIONS.get(f"{name}.{field}")
        if description:
            properties[field]["description"] = description
    definition: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
    if "required" in facts:
        definition["required"] = list(facts["required"])
    return definition


def _property(facts: str | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(facts, str):
        return {**_property(facts["t"]), "enum": list(facts["enum"])}
    if facts.startswith("[]"):
        return {"type": "array", "items": _property(facts[2:])}
    if facts.startswith("map[]"):
        return {"type": "object", "additionalProperties": _property(facts[5:])}
    if facts.startswith("@"):
        return {"$ref": f"#/$defs/{facts[1:]}"}
    return dict(_SCALARS[facts])


def schema_text() -> str:
    """The text of `cluster.schema.json` beside this module."""
    return json.dumps(json_schema(), indent=2, sort_keys=False) + "\n"


if __name__ == "__main__":  # python -m kube_actors.config.schema: write the file anew
    SCHEMA_FILE.write_text(schema_text())
