"""Whatever a client sends, a read is answered or refused, never failed."""

from __future__ import annotations

import base64
from urllib.parse import urlencode

import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.api.codecs import json
from kube_actors.server.http import Full, Streaming
from kube_actors.server.reading.accept import choose
from tests.server import kit

NUMBERS = st.one_of(st.integers().map(str), st.sampled_from(["0", "00", "-0", "+1", "9" * 5000, "\u0663", " 1", "1_0"]))
WORDS = st.one_of(st.text(max_size=20), st.sampled_from(["true", "Exact", "NotOlderThan", "a=b", "metadata.name=a"]))
TOKEN_BODY = st.fixed_dictionaries(
    {},
    optional={
        "v": st.sampled_from(["meta.k8s.io/v1", "v2", 1, None]),
        "rv": st.one_of(st.integers(-3, 2**63), st.booleans(), st.floats(allow_nan=False), st.none()),
        "of": st.sampled_from(["configmaps", "pods", None]),
        "start": st.one_of(st.text(max_size=8), st.sampled_from(["default/a", "/", "default/", "../x"]), st.none()),
    },
)
TOKENS = st.one_of(WORDS, TOKEN_BODY.map(lambda body: base64.urlsafe_b64encode(json.dumps(body)).decode().rstrip("=")))
QUERY = st.fixed_dictionaries(
    {},
    optional={
        "resourceVersion": st.one_of(NUMBERS, WORDS),
        "resourceVersionMatch": WORDS,
        "limit": st.one_of(NUMBERS, WORDS),
        "timeoutSeconds": st.one_of(st.integers(max_value=1).map(str), WORDS),
        "continue": TOKENS,
        "labelSelector": st.one_of(WORDS, st.text("ab=!,()in <>", max_size=15)),
        "fieldSelector": st.one_of(WORDS, st.text("ab=!,\\\\.", max_size=15)),
        "sendInitialEvents": WORDS,
        "allowWatchBookmarks": WORDS,
        "includeObject": WORDS,
        "pretty": WORDS,
        "watch": st.sampled_from(["true", "0"]),
    },
)
ACCEPT = st.text("aplictonjsyml/*;,=qvg.18TbexR ", max_size=60)


@given(header=ACCEPT)
def test_any_accept_header(header: str) -> None:
    """There is a form for it, or none."""
    choose(header)


@settings(max_examples=150)
@given(
    query=QUERY, accept=st.one_of(ACCEPT, st.just("application/json"), st.just("*/*")), name=st.sampled_from(["", "/a"])
)
def test_any_parameters(query: dict[str, str], accept: str, name: str) -> None:
    """A read is answered, or refused with what the client did wrong: no error is ours."""

    async def ask() -> None:
        session = await kit.new_session()
        await kit.create(session, kit.config_map("a"))
        target = f"/api/v1/namespaces/default/configmaps{name}?{urlencode(query)}"
        response = await kit.ask(session, "GET", target, headers={"accept": accept})
        if isinstance(response, Streaming):
            with trio.move_on_after(0.001):
                await kit.stream_of(response)
            return
        assert isinstance(response, Full)
        assert response.status in (200, 400, 404, 406, 410, 422, 504), kit.body_of(response)

    trio.run(ask)
