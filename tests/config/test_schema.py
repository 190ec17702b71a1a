"""The published JSON Schema and the rules that read a Cluster document."""

from __future__ import annotations

import json

from kube_actors.config.cluster_document import _TIMEOUTS
from kube_actors.config.schema import DESCRIPTIONS, FACTS, SCHEMA_FILE, json_schema, schema_text


def test_the_published_schema_is_current() -> None:
    """The file beside the module says what the module says (`python -m kube_actors.config.schema` writes it)."""
    assert SCHEMA_FILE.read_text() == schema_text()
    assert json.loads(SCHEMA_FILE.read_text()) == json_schema()


def test_every_reference_of_the_schema_leads_somewhere() -> None:
    """No type is named that is not defined."""
    text = schema_text()
    definitions = json_schema()["$defs"]
    named = {part.split('"')[0] for part in text.split("#/$defs/")[1:]}
    assert named <= set(definitions)
    assert set(definitions) == set(FACTS)


def test_descriptions_and_timeouts_speak_of_fields_that_exist() -> None:
    """A renamed field takes its description along, and every timeout is read."""
    fields = {f"{name}.{field}" for name, facts in FACTS.items() for field in facts["fields"]}
    assert set(DESCRIPTIONS) <= fields
    assert set(_TIMEOUTS) == set(FACTS["Timeouts"]["fields"])
