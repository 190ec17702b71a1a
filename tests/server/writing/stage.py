"""A client of the API for tests of writes: requests through the whole chain, answers as values."""

from __future__ import annotations

from typing import Any

from kube_actors.api.codecs import json
from kube_actors.records import frozen
from kube_actors.server.http import Full
from kube_actors.verbs.session import Session
from tests.server.kit import ask, body_of, new_session

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
PODS = "/api/v1/namespaces/default/pods"

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


@frozen
class Reply:
    """An answer: its status code, its body as a value, and the texts of its warnings."""

    code: int
    body: Any
    warnings: list[str]

    @property
    def message(self) -> str:
        """What a `Status` says."""
        text: str = self.body["message"]
        return text

    @property
    def causes(self) -> list[str]:
        """`field: message` of each cause of a `Status`."""
        return [f"{cause['field']}: {cause['message']}" for cause in self.body["details"]["causes"]]


@frozen
class Caller:
    """Sends requests to a cluster's API."""

    session: Session

    async def __call__(
        self, method: str, target: str, body: Any = b"", content_type: str = "", agent: str = "tester/1.0"
    ) -> Reply:
        """Send a request; a body that is no bytes goes out as JSON, by default as `application/json`."""
        headers = {"user-agent": agent}
        if content_type:
            headers["content-type"] = content_type
        response = await ask(self.session, method, target, body, headers)
        assert isinstance(response, Full)
        texts = [value for name, value in response.headers if name == "Warning"]
        warnings = [text.removeprefix('299 - "').removesuffix('"').replace('\\"', '"') for text in texts]
        return Reply(response.status, json.loads(body_of(response)), warnings)

    async def apply(self, target: str, body: Any, manager: str = "me", query: str = "") -> Reply:
        """Server-side apply."""
        return await self("PATCH", f"{target}?fieldManager={manager}{query}", body, APPLY)


async def new_caller(*namespaces: str) -> Caller:
    """A client of a new cluster."""
    return Caller(await new_session(*namespaces))


def config_map(name: str = "settings", **data: str) -> dict[str, Any]:
    """A ConfigMap without apiVersion and kind, which the path gives."""
    return {"metadata": {"name": name}, "data": data}


def deployment(name: str = "web", **spec: Any) -> dict[str, Any]:
    """A Deployment of one container `app`."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app", "image": "nginx"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template, **spec},
    }


def pod(name: str = "web", **spec: Any) -> dict[str, Any]:
    """A Pod of one container `app`."""
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "app", "image": "nginx"}], **spec}}


def managers(body: Any) -> list[tuple[str, str, str]]:
    """(manager, operation, subresource) of each entry of the managed fields."""
    entries = body["metadata"].get("managedFields", [])
    return [(each["manager"], each["operation"], each.get("subresource", "")) for each in entries]
