"""What is written down about writes."""

from __future__ import annotations

import stat
from pathlib import Path

from kube_actors.access.user import User
from kube_actors.api.codecs import json
from kube_actors.server.audit import AuditLog
from kube_actors.server.chain import Chain
from kube_actors.server.http import Full
from tests.server import kit

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def lines(path: Path) -> list[dict[str, object]]:
    """The lines of an audit log."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


async def test_a_write_leaves_a_line_and_a_read_none(tmp_path: Path) -> None:
    """Who, what, where and the result, but not a word of the body; the file is its owner's alone."""
    session, audit = await kit.new_session(), AuditLog(tmp_path)
    chain = Chain(kit.make_api(session), audit=audit)
    headers = {"User-Agent": "kubectl/v1.36", "Audit-Id": "7", "Authorization": "Bearer abcdef"}
    await chain(kit.make_request("POST", CONFIG_MAPS, kit.config_map(data="hunter2"), headers))
    await chain(kit.make_request("GET", f"{CONFIG_MAPS}/settings"))
    await chain(kit.make_request("DELETE", f"{CONFIG_MAPS}/nothing"))
    audit.close()
    file = tmp_path / "audit.log"
    created, deleted = lines(file)
    assert {name: created[name] for name in ("user", "verb", "resource", "namespace", "name", "code", "auditID")} == {
        "user": "kubernetes-admin",
        "verb": "create",
        "resource": "configmaps",
        "namespace": "default",
        "name": "settings",
        "code": 201,
        "auditID": "7",
    }
    assert (deleted["verb"], deleted["name"], deleted["code"]) == ("delete", "nothing", 404)
    assert b"hunter2" not in file.read_bytes()
    assert b"abcdef" not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_questions_are_no_writes(tmp_path: Path) -> None:
    """`kubectl auth can-i` creates a review, and nothing; a dry run is marked as one; a terminal counts."""
    session, audit = await kit.new_session(), AuditLog(tmp_path)
    for method, target in (
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
        ("DELETE", f"{CONFIG_MAPS}/settings?dryRun=All"),
        ("GET", "/api/v1/namespaces/default/pods/web/exec?command=sh"),
        ("GET", "/api/v1/namespaces/default/pods/web/log"),
    ):
        audit.record(kit.make_call(session, method, target), Full(200, b"{}"), 0.0)
    audit.close()
    found = [(line["verb"], line["subresource"], line.get("dryRun")) for line in lines(tmp_path / "audit.log")]
    assert found == [("delete", "", True), ("get", "exec", None)]


async def test_who_acts_as_somebody_is_named(tmp_path: Path) -> None:
    """Both are written down: who asked, and whom they acted as."""
    session, audit = await kit.new_session(), AuditLog(tmp_path)
    call = kit.make_call(session, "DELETE", f"{CONFIG_MAPS}/settings", user=User("bob", ("devs",)))
    call.impersonator = kit.ADMIN
    audit.record(call, Full(200, b"{}"), 0.0123)
    [line] = lines(tmp_path / "audit.log")
    assert (line["user"], line["milliseconds"]) == ("kubernetes-admin", 12.3)
    assert (line["impersonatedUser"], line["impersonatedGroups"]) == ("bob", ["devs"])


async def test_a_full_file_makes_way(tmp_path: Path) -> None:
    """Files have a size, and only the last few are kept, the newest lines in the first."""
    session, audit = await kit.new_session(), AuditLog(tmp_path, size=1000)
    for number in range(40):
        audit.record(kit.make_call(session, "DELETE", f"{CONFIG_MAPS}/a{number}"), Full(200, b"{}"), 0.0)
    audit.close()
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["audit.log", "audit.log.1", "audit.log.2", "audit.log.3"]
    assert all(file.stat().st_size <= 1000 for file in files)
    names = [line["name"] for file in reversed(files) for line in lines(file)]
    assert names == [f"a{number}" for number in range(40 - len(names), 40)]


async def test_a_log_goes_on_where_it_was(tmp_path: Path) -> None:
    """The next start appends."""
    session = await kit.new_session()
    for _ in range(2):
        audit = AuditLog(tmp_path)
        audit.record(kit.make_call(session, "DELETE", f"{CONFIG_MAPS}/a"), Full(200, b"{}"), 0.0)
        audit.close()
    assert len(lines(tmp_path / "audit.log")) == 2


async def test_a_write_is_done_when_it_cannot_be_written_down(tmp_path: Path) -> None:
    """A directory that went away stops the log, not the API."""
    session, audit = await kit.new_session(), AuditLog(tmp_path / "gone")
    answer = await Chain(kit.make_api(session), audit=audit)(kit.make_request("POST", CONFIG_MAPS, kit.config_map()))
    assert answer.status == 201  # type: ignore[union-attr]  # a Full, as the status shows
