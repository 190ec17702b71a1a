"""In which form a client gets an error."""

from __future__ import annotations

import json

import pytest
from ruamel.yaml import YAML

from kube_actors.server.http import Full
from kube_actors.verbs.session import Session

from . import kit

MISSING = "/api/v1/namespaces/default/pods/nobody"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.fixture
async def session() -> Session:
    """The administrator's."""
    return await kit.new_session()


@pytest.mark.parametrize(
    ("headers", "media_type", "is_pretty"),
    [
        ({}, "application/json", False),
        ({"accept": f"{TABLE},application/json"}, "application/json", False),
        ({"accept": "application/yaml"}, "application/yaml", False),
        ({"accept": "application/json", "user-agent": "curl/8.0"}, "application/json", True),
        ({"accept": TABLE}, "application/json", True),
        ({"accept": "image/png"}, "application/json", True),
    ],
)
async def test_a_status_comes_as_the_client_accepts_it(
    session: Session, headers: dict[str, str], media_type: str, is_pretty: bool
) -> None:
    """Whoever accepts nothing that a Status could be written in is told the error all the same, not that."""
    target = MISSING if "png" not in str(headers) else "/api/v1/namespaces/default/pods?limit=x"
    answer = await kit.ask(session, "GET", target, headers=headers)
    assert isinstance(answer, Full)
    text = kit.body_of(answer)
    status = YAML(typ="safe").load(text) if media_type.endswith("yaml") else json.loads(text)
    assert (answer.content_type, status["kind"], status["code"]) == (media_type, "Status", answer.status)
    assert (b'\n  "' in text) == is_pretty


async def test_pretty_may_be_asked_for(session: Session) -> None:
    """Also of errors."""
    answer = await kit.ask(session, "GET", f"{MISSING}?pretty=true")
    assert isinstance(answer, Full)
    assert answer.status == 404
    assert b'\n  "' in kit.body_of(answer)
