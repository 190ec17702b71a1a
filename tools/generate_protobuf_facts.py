"""Write `kube_actors/api/codecs/protobuf_facts.json`: the protobuf messages of the Kubernetes API, field by field.

The source is `tools/facts/protobuf-fields.txt`, a line for each message: its name, then `number:name:type[:flags]` for
each field. A type is a scalar (`string`, `int32`, `bytes`, …) or a message, `{}` before it makes it the value of a map
with text keys. Flags: `r` repeated, `p` an explicit zero is kept, `i` the message's fields join their parent.

    python tools/generate_protobuf_facts.py            # rewrite the file
    python tools/generate_protobuf_facts.py --check    # fail when the file is not what this program writes

What is checked on the way: every resource of the registry has its message, every message that a field names is there,
and what a field is called is what the schema of its type calls it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "tools" / "facts" / "protobuf-fields.txt"
SCHEMAS = ROOT / "kube_actors" / "api" / "facts.json"
TARGET = ROOT / "kube_actors" / "api" / "codecs" / "protobuf_facts.json"

SCALARS = frozenset({"string", "bytes", "bool", "int32", "int64", "double"})
Messages = dict[str, dict[str, list[str]]]


def read_table() -> Messages:
    """Message -> number -> [name, type] or [name, type, flags]."""
    messages: Messages = {}
    for line in TABLE.read_text().splitlines():
        name, *fields = line.split(" ")
        messages[name] = {}
        for field in fields:
            number, *facts = field.split(":")
            messages[name][number] = facts
    return messages


def joined_names(messages: Messages, name: str) -> set[str]:
    """The JSON names of a message's fields, those of joined messages among them."""
    names: set[str] = set()
    for field in messages[name].values():
        if field[2:] == ["i"]:
            names |= joined_names(messages, field[1])
        else:
            names.add(field[0])
    return names


def check(messages: Messages, schemas: dict[str, Any]) -> list[str]:
    """What does not fit together."""
    problems = [f"no message {row['type']}" for row in schemas["resources"] if row["type"] not in messages]
    for name, fields in messages.items():
        for field_name, type_, *_ in fields.values():
            target = type_.removeprefix("{}")
            if target not in SCALARS and target not in messages:
                problems.append(f"{name}.{field_name}: no message {target}")
        schema = schemas["types"].get(name)
        if schema is not None:
            strangers = joined_names(messages, name) - schema["fields"].keys()
            problems += [f"{name}.{stranger}: not in the schema" for stranger in sorted(strangers)]
    return problems


def generate() -> str:
    """The text of the facts: a line for each message, so that a change reads well in a diff."""
    messages = read_table()
    problems = check(messages, json.loads(SCHEMAS.read_text()))
    if problems:
        raise SystemExit("\n".join(problems))
    lines = (f"{json.dumps(name)}:{json.dumps(fields, separators=(',', ':'))}" for name, fields in messages.items())
    return "{\n" + ",\n".join(lines) + "}\n"


def main(arguments: list[str]) -> int:
    """Write the file, or with `--check` compare it; 0 when all is well."""
    text = generate()
    if arguments == ["--check"]:
        if TARGET.read_text() != text:
            print(f"{TARGET.relative_to(ROOT)} is out of date: run python tools/{Path(__file__).name}", file=sys.stderr)
            return 1
        return 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
