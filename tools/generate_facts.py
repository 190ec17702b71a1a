"""Write `kube_actors/api/facts.json`: everything the registry and the schemas know about the Kubernetes API.

Sources: the tables in `tools/facts/` (resources, printer columns, enums and the fields that take them, the fields that
are written though nobody set them) and the OpenAPI definitions of v1.36 in the development dependency
`kubernetes-validate`. `written-when-unset.txt` has a line for each type that has such fields, structs left out: they
are those whose Go tag has no `omitempty`, and times that are no pointers.

    python tools/generate_facts.py            # rewrite the file
    python tools/generate_facts.py --check    # fail when the file is not what this program writes

Shape of the result: `resources` is a list of rows, `columns` is inside each row, and `types` maps a short type name
(`core.v1.Container`) to `{"fields": {name: spec}, "required": [...], "always": [...], "written": [...],
"pointers": [...], "atomic": true}`. `always` names the fields that hold a struct, not a pointer to one, and so are
there in every object, `written` the other fields that are, and `pointers` those of which zero says more than nothing.
A field's spec is a type expression (`string`, `int32`, `[]@core.v1.Container`, `map[]quantity`) or, when there is more
to say, an object `{"t": expression, "list": "map", "keys": [...], "merge": key, "patch": [...], "enum": [...],
"atomic": true}`.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

from generate_protobuf_facts import Messages, read_table

ROOT = Path(__file__).resolve().parent.parent
TABLES = ROOT / "tools" / "facts"
TARGET = ROOT / "kube_actors" / "api" / "facts.json"
VERSION = "v1.36.0"

PREFIXES = (
    ("io.k8s.apimachinery.pkg.apis.", ""),
    ("io.k8s.apiextensions-apiserver.pkg.apis.", ""),
    ("io.k8s.kube-aggregator.pkg.apis.", ""),
    ("io.k8s.api.", ""),
)
SPECIAL = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "intOrString",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "microTime",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "any",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "any",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": "any",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray": "any",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool": "any",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray": "any",
}
# Messages that are no objects in JSON.
SHAPED = {
    *("api.resource.Quantity", "apiextensions.v1.JSON", "meta.v1.FieldsV1", "meta.v1.MicroTime", "meta.v1.Time"),
    *("runtime.RawExtension", "util.intstr.IntOrString"),
}
# Types that requests carry although no resource's own schema reaches them.
EXTRA_ROOTS = (
    "io.k8s.api.autoscaling.v1.Scale",
    "io.k8s.api.policy.v1.Eviction",
    "io.k8s.api.authentication.v1.TokenRequest",
    "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Status",
)
# Type expressions of values that have a zero.
SCALARS = frozenset({"string", "bytes", "bool", "int32", "int64", "double"})
# OpenAPI marks these as required, yet the server takes an object without them: an absent number is 0.
ZERO_IS_FINE = {
    ("core.v1.SleepAction", "seconds"),
    ("apps.v1.ControllerRevision", "revision"),
    ("core.v1.LimitRangeSpec", "limits"),
    ("core.v1.Event", "metadata"),
    ("events.v1.Event", "metadata"),
}
# What a kind without columns of its own shows.
DEFAULT_COLUMNS = ["Name", "Created At@"]
# Listed in the source of the API but refused by its validation.
NOT_OFFERED = {"core.v1.TaintEffect": {"NoScheduleNoAdmit"}, "core.v1.TolerationOperator": {"Gt", "Lt"}}


def load_definitions() -> dict[str, Any]:
    """The OpenAPI definitions of `VERSION`, by full type name."""
    spec = importlib.util.find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        raise SystemExit("kubernetes-validate is not installed: pip install 'kubernetes-validate>=1.36,<1.37'")
    path = Path(spec.origin).parent / "kubernetes-json-schema" / f"{VERSION}-local" / "_definitions.json"
    if not path.exists():
        raise SystemExit(f"no definitions of {VERSION} there: pip install 'kubernetes-validate>=1.36,<1.37'")
    definitions: dict[str, Any] = json.loads(path.read_text())["$defs"]
    return definitions


def short_name(name: str) -> str:
    """`io.k8s.api.core.v1.Pod` -> `core.v1.Pod`."""
    for prefix, replacement in PREFIXES:
        if name.startswith(prefix):
            return replacement + name.removeprefix(prefix)
    return name


def type_expression(schema: dict[str, Any]) -> str:
    """The type expression of one property, list item or map value."""
    if "$ref" in schema:
        target = schema["$ref"].rpartition("/")[2]
        return SPECIAL.get(target, "@" + short_name(target))
    kinds = schema.get("type")
    kind = next((each for each in kinds if each != "null"), None) if isinstance(kinds, list) else kinds
    match kind:
        case "array":
            return "[]" + type_expression(schema["items"])
        case "object":
            values = schema.get("additionalProperties")
            return "map[]" + type_expression(values) if isinstance(values, dict) else "any"
        case "integer":
            return str(schema.get("format", "int64"))
        case "number":
            return "double"
        case "boolean":
            return "bool"
        case "string":
            return {"byte": "bytes", "date-time": "time"}.get(schema.get("format", ""), "string")
    raise SystemExit(f"no type expression for {schema}")


def field_spec(schema: dict[str, Any], enum: list[str] | None) -> str | dict[str, Any]:
    """The spec of one field: its type, and how it is listed, merged and restricted."""
    spec: dict[str, Any] = {"t": type_expression(schema)}
    if schema.get("x-kubernetes-list-type", "atomic") != "atomic":
        spec["list"] = schema["x-kubernetes-list-type"]
    if "x-kubernetes-list-map-keys" in schema:
        spec["keys"] = schema["x-kubernetes-list-map-keys"]
    if "x-kubernetes-patch-merge-key" in schema:
        spec["merge"] = schema["x-kubernetes-patch-merge-key"]
    if "x-kubernetes-patch-strategy" in schema:
        spec["patch"] = schema["x-kubernetes-patch-strategy"].split(",")
    if schema.get("x-kubernetes-map-type") in ("atomic", "granular"):
        spec["atomic"] = schema["x-kubernetes-map-type"] == "atomic"
    if enum is not None:
        spec["enum"] = enum
    return spec if len(spec) > 1 else str(spec["t"])


def enums_by_field() -> dict[str, list[str]]:
    """`core.v1.Container.imagePullPolicy` -> its sorted values."""
    enums = json.loads((TABLES / "enums.json").read_text())
    fields = json.loads((TABLES / "enum_fields.json").read_text())
    found: dict[str, list[str]] = {}
    for enum, places in fields.items():
        values = sorted(set(enums[f"k8s.io.api.{enum}"]) - NOT_OFFERED.get(enum, set()))
        for place in places:
            found[place] = values
    return found


def type_facts(name: str, definition: dict[str, Any], enums: dict[str, list[str]]) -> dict[str, Any]:
    """One entry of `types`; the enums it uses are taken out of `enums`, so that what remains was misspelt."""
    short = short_name(name)
    fields = {}
    for field, schema in definition.get("properties", {}).items():
        place = f"{short}.{field}"
        fields[field] = field_spec(schema, enums.pop(place, None) or enums.pop(place + "[]", None))
    facts: dict[str, Any] = {"fields": fields}
    required = [each for each in definition.get("required", ()) if (short, each) not in ZERO_IS_FINE]
    if required:
        facts["required"] = required
    if definition.get("x-kubernetes-map-type") == "atomic":
        facts["atomic"] = True
    return facts


def reachable_types(definitions: dict[str, Any], roots: list[str]) -> dict[str, Any]:
    """The facts of every type that an object of a root type can contain, sorted by name."""
    enums = enums_by_field()
    waiting, seen = list(roots), set(roots)
    types: dict[str, Any] = {}
    while waiting:
        name = waiting.pop()
        types[short_name(name)] = type_facts(name, definitions[name], enums)
        for target in re.findall(r'"\$ref": "#/\$defs/([^"]+)"', json.dumps(definitions[name])):
            if target not in seen and target not in SPECIAL:
                seen.add(target)
                waiting.append(target)
    add_structs(types)
    add_zeros(types)
    if enums:
        raise SystemExit(f"tools/facts/enum_fields.json names fields that do not exist: {sorted(enums)}")
    return dict(sorted(types.items()))


def add_structs(types: dict[str, Any]) -> None:
    """Write down for each type which fields are structs, as the protobuf messages tell."""
    messages = read_table()
    for name, facts in types.items():
        always = sorted(struct_fields(messages, name) & facts["fields"].keys()) if name in messages else []
        if always:
            facts["always"] = always


def struct_fields(messages: Messages, name: str) -> set[str]:
    """The fields of a message that hold another message and cannot be absent."""
    found = set()
    for field_name, type_, *flags in messages[name].values():
        if flags == ["i"]:
            found |= struct_fields(messages, type_)
        elif not flags and type_ in messages and type_ not in SHAPED:
            found.add(field_name)
    return found


def add_zeros(types: dict[str, Any]) -> None:
    """Write down for each type which fields are written when nobody set them, and which tell zero from nothing."""
    messages = read_table()
    lines = (TABLES / "written-when-unset.txt").read_text().splitlines()
    written = {name: fields for name, *fields in map(str.split, lines)}
    for name, facts in types.items():
        fields = facts["fields"]
        strangers = set(written.get(name, ())) - fields.keys()
        if strangers:
            raise SystemExit(
                f"tools/facts/written-when-unset.txt names fields of {name} that do not exist: {strangers}"
            )
        absent = sorted(pointer_fields(messages, name)) if name in messages else []
        pointers = [each for each in absent if expression_of(fields[each]) in SCALARS]
        facts.update({key: value for key, value in (("written", written.get(name)), ("pointers", pointers)) if value})


def expression_of(spec: str | dict[str, Any]) -> str:
    """The type expression of a field's spec."""
    return spec if isinstance(spec, str) else str(spec["t"])


def pointer_fields(messages: Messages, name: str) -> set[str]:
    """The fields of a message that can be absent: their zero is kept."""
    return {field_name for field_name, _type, *flags in messages[name].values() if flags == ["p"]}


def printer_columns(resources: list[dict[str, Any]]) -> dict[tuple[str, str, str], list[str]]:
    """(group, version, plural) -> columns as the registry reads them: a trailing `#`, `?` or `@` marks numbers, truth
    values and dates, and after it a `*` those of `-o wide` only.

    Column names contain blanks, so a line is cut at the known names.
    """
    known = (
        "Access Modes|Allowed Disruptions|Created At|First Seen|Last Schedule|Last Seen|Max Unavailable|Min Available|"
        "Node Selector|Nominated Node|Pod Labels|Readiness Gates|Reclaim Policy"
    )
    word = re.compile(rf"(?:{known}|\S+?)(?:\*)?(?= |$)")
    types = json.loads((TABLES / "column_types.json").read_text())
    columns = {}
    for line in (TABLES / "printer-columns.txt").read_text().splitlines()[1:]:
        path, _, rest = line.partition(" ")
        parts = path.strip("/").split("/")
        group, version, plural = ("", parts[1], parts[2]) if parts[0] == "api" else (parts[1], parts[2], parts[3])
        rest = re.sub(r"\[[^\]]*\]", "", rest).strip()
        columns[(group, version, plural)] = [typed_column(plural, name, types) for name in word.findall(rest)]
    unknown = columns.keys() - {(row["group"], row["version"], row["plural"]) for row in resources}
    if unknown:
        raise SystemExit(f"tools/facts/printer-columns.txt names resources that do not exist: {sorted(unknown)}")
    return columns


def typed_column(plural: str, name: str, types: dict[str, dict[str, list[str]]]) -> str:
    """A column's name with the mark of its type before that of its width."""
    plain = name.removesuffix("*")
    marks = {"integer": "#", "boolean": "?"}
    mark = next((marks[kind] for kind, found in types.items() if plain in found.get(plural, ())), "")
    return plain + ("@" if plain == "Created At" else mark) + name[len(plain) :]


def resource_rows(resources: list[dict[str, Any]], by_gvk: dict[tuple[str, str, str], str]) -> list[dict[str, Any]]:
    """The registry's rows, each with its printer columns and the name of its schema type."""
    columns = printer_columns(resources)
    rows = []
    for resource in resources:
        gvk = (resource["group"], resource["version"], resource["kind"])
        row = {key: value for key, value in resource.items() if value or key in ("group", "namespaced")}
        row["type"] = short_name(by_gvk[gvk])
        row["columns"] = columns.get((resource["group"], resource["version"], resource["plural"]), DEFAULT_COLUMNS)
        rows.append(row)
    return rows


def generate() -> str:
    """The text of `facts.json`: one line per resource and per type, so that a change reads well in a diff."""
    definitions = load_definitions()
    resources = json.loads((TABLES / "resources.json").read_text())
    by_gvk: dict[tuple[str, str, str], str] = {}
    for name, definition in definitions.items():
        for gvk in definition.get("x-kubernetes-group-version-kind", ()):
            by_gvk.setdefault((gvk["group"], gvk["version"], gvk["kind"]), name)
    rows = resource_rows(resources, by_gvk)
    roots = [by_gvk[(row["group"], row["version"], row["kind"])] for row in resources]
    types = reachable_types(definitions, list(dict.fromkeys([*roots, *EXTRA_ROOTS])))

    def compact(value: Any) -> str:
        return json.dumps(value, separators=(",", ":"))

    resource_lines = ",\n".join(compact(row) for row in rows)
    type_lines = ",\n".join(f"{compact(name)}:{compact(facts)}" for name, facts in types.items())
    return f'{{"version":"{VERSION}",\n"resources":[\n{resource_lines}],\n"types":{{\n{type_lines}}}}}\n'


def main(arguments: list[str]) -> int:
    """Write the file, or with `--check` compare it; 0 when all is well."""
    text = generate()
    if arguments == ["--check"]:
        if TARGET.read_text() != text:
            print(f"{TARGET.relative_to(ROOT)} is out of date: run python tools/generate_facts.py", file=sys.stderr)
            return 1
        return 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
