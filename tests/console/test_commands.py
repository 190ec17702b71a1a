"""Command lines of the console: kubectl's sentences, exit codes, and a console nobody can break by what they type."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
import trio.testing

from kube_actors.console.commands.catalogue import MODULES, all_commands, commands_of
from kube_actors.console.commands.run import run_command
from kube_actors.verbs.arguments import flags_of

from ..verbs.stage import create, deployment, key, pod, simulated_cluster, until_available, until_ready
from .stage import Transcript, say

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: "app:1"}]}
"""


def test_the_catalogue_is_complete() -> None:
    """Every command of every module can be reached, and every one has help with an example."""
    for module in set(MODULES.values()):
        assert set(commands_of(module)) <= set(all_commands())
    for name, command in all_commands().items():
        assert command.example.startswith(" ".join(name))
        assert command.usage.startswith(" ".join(name))
        assert command.summary
        assert all(flag.help for flag in flags_of(command.options))


async def test_a_deployment_from_beginning_to_end(tmp_path: Path) -> None:
    """The sentences a person knows from kubectl."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        assert (await say(session, "apply -f -", WEB)).out == "deployment.apps/web created\n"
        assert (await say(session, "apply -f -", WEB)).out == "deployment.apps/web unchanged\n"
        changed = await say(session, "apply -f -", WEB.replace("app:1", "app:2"))
        assert changed.out == "deployment.apps/web configured\n"
        status = await say(session, "rollout status deploy/web")
        assert status.out.endswith('deployment "web" successfully rolled out\n')
        assert (await say(session, "scale deploy web --replicas=3")).out == "deployment.apps/web scaled\n"
        waited = await say(session, "wait deploy/web --for=condition=Available")
        assert waited.out == "deployment.apps/web condition met\n"
        assert (await say(session, "rollout undo deploy/web")).out == "deployment.apps/web rolled back\n"
        assert (await say(session, "rollout status deploy/web")).code == 0
        history = await say(session, "rollout history deploy/web")
        assert history.out == "deployment.apps/web \nREVISION  CHANGE-CAUSE\n2         <none>\n3         <none>\n\n"
        deleted = await say(session, "delete deploy/web")
        assert deleted.out == 'deployment.apps "web" deleted from default namespace\n'
        assert (await say(session, "get deploy")).err == "No resources found in default namespace.\n"


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("get pod nope", 1, 'Error from server (NotFound): pods "nope" not found'),
        ("get podz", 2, "error: the server doesn't have a resource type \"podz\" (did you mean 'pods'?)"),
        ("get", 2, "error: you must specify the type of resource"),
        ("gt pods", 2, 'error: unknown command "gt" (did you mean "get"?)'),
        ("get pods -o jso", 2, 'error: unable to match a printer suitable for the output format "jso"'),
        ("get pods --wach", 2, 'error: unknown flag: --wach (did you mean "watch"?)'),
        ("get pods --field-selector=spec.x=1", 2, "field label not supported: spec.x"),
        ("rollout", 2, "error: say which: rollout status, rollout history"),
        ("rollout staus deploy/web", 2, 'error: unknown command "rollout staus" (did you mean "status"?)'),
        ("rollout status pod/web", 2, "error: pods cannot be rolled here"),
        ("wait deploy/web", 2, "error: you must say what to wait for"),
        ("wait deploy/web --for=condition=Ready", 1, 'Error from server (NotFound): deployments.apps "web" not found'),
        ("wait pods -l a=b --for=condition=Ready", 1, "error: no matching resources found"),
        ("wait deploy --for=condition=Ready", 2, "error: resource(s) were provided, but no name was specified"),
        ("delete pods", 2, "error: resource(s) were provided, but no name was specified"),
        ("delete pod nope", 1, 'Error from server (NotFound): pods "nope" not found'),
        ("scale deploy/web", 2, "error: the --replicas=COUNT flag is required"),
        ("apply", 2, "error: must specify one of -f and --filename"),
        ("apply -f - --prune", 2, "error: --prune deletes what one manager applied"),
        ("logs", 2, "error: expected 'logs"),
        ("logs nope", 1, 'Error from server (NotFound): pods "nope" not found'),
        ("exec web ls", 2, "error: exec [POD] [COMMAND] is not supported anymore."),
        ("exec web --", 2, "error: expected 'exec"),
        ("node stop node-9", 1, 'Error from server (NotFound): nodes "node-9" not found'),
        ("node stop", 2, "error: say which node"),
        ("actors /nope", 1, "error: no actor lives at /nope or below it"),
        ("help nope", 2, "error: there is no command 'nope'"),
        ("label pod web", 2, "error: at least one label update is required"),
    ],
)
async def test_errors(tmp_path: Path, line: str, code: int, error: str) -> None:
    """One line each; 1 for what is not there or not in time, 2 for what was typed wrong."""
    async with simulated_cluster(tmp_path) as cluster:
        said = await say(cluster.session, line)
        assert error in said.err
        assert said.err.count("\n") == 1
        assert (said.code, said.out) == (code, "")


async def test_bad_manifests_are_told_with_their_place(tmp_path: Path) -> None:
    """File, line and column, every problem at once, and nothing is applied."""
    text = WEB.replace("replicas: 2", "replicas: two").replace("image:", "imag:")
    (tmp_path / "web.yaml").write_text(text)
    async with simulated_cluster(tmp_path) as cluster:
        said = await say(cluster.session, "apply -f web.yaml", directory=str(tmp_path))
        assert said.code == 2
        assert f"error: {tmp_path}/web.yaml:5:" in said.err
        assert "web.yaml:9:" in said.err
        assert cluster.plane.store.count("deployments.apps") == 0
        broken = await say(cluster.session, "apply -f -", "a: [1")
        assert (broken.code, broken.out) == (2, "")
        assert broken.err.startswith("error: <stdin>:")


async def test_get_goes_on_with_what_is_there(tmp_path: Path) -> None:
    """What was found is shown, what was not is told, and the exit code says so."""
    async with simulated_cluster(tmp_path) as cluster:
        await create(cluster.session, pod("a"))
        said = await say(cluster.session, "get pod a nope -o name")
        assert (said.code, said.out) == (1, "pod/a\n")
        assert said.err == 'Error from server (NotFound): pods "nope" not found\n'
        assert (await say(cluster.session, "get pod nope --ignore-not-found")).code == 0


async def test_several_kinds(tmp_path: Path) -> None:
    """A table each, with the kind before the name."""
    async with simulated_cluster(tmp_path) as cluster:
        await create(cluster.session, deployment("web"))
        await until_available(cluster.session, "web")
        out = (await say(cluster.session, "get deploy,rs")).out
        first, second = out.split("\n\n")
        assert first.splitlines()[1].startswith("deployment.apps/web ")
        assert second.splitlines()[1].startswith("replicaset.apps/web-")
        assert (await say(cluster.session, "get deploy/web")).out.splitlines()[1].startswith("web ")


async def test_watch(tmp_path: Path) -> None:
    """What is there, then a row for every change, under one header."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await create(session, pod("a"))
        await until_ready(session, "a")
        transcript = Transcript(session)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_command, transcript, ["get", "pods", "-w"])
            await transcript.until("a ")
            await create(session, pod("b"))
            await until_ready(session, "b")
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        lines = transcript.printed[1].decode().splitlines()
        assert sum(line.startswith("NAME") for line in lines) == 1
        assert [line.split()[2] for line in lines if line.startswith("b ")][-1] == "Running"
        assert len([line for line in lines if line.startswith("b ")]) > 1


async def test_terminal_escapes_are_written_out(tmp_path: Path) -> None:
    """Nothing from pods or objects steers a terminal; a pipe gets it as it is."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await create(session, pod("web", annotations={"note": "\x1b[31mred\x07"}))
        await until_ready(session, "web")
        shown = await say(session, "describe pod web", terminal=True)
        assert "\x1b" not in shown.out
        assert "\\e[31mred\\x07" in shown.out
        assert "\x1b[31m" in (await say(session, "describe pod web")).out
        line = "exec web -- echo \x1b]0;title\x07"
        assert "\x1b" not in (await say(session, line, terminal=True)).out
        assert (await say(session, line)).out == "\x1b]0;title\x07\n"


async def test_exec_answers_the_exit_code(tmp_path: Path) -> None:
    """And says it, as kubectl does; the default container is named."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await create(session, pod("web", ("app", "helper")))
        await until_ready(session, "web")
        said = await say(session, "exec web -- exit 7")
        assert said.code == 7
        assert said.err == 'Defaulted container "app" out of: app, helper\ncommand terminated with exit code 7\n'
        assert await say(session, "exec -i web -c helper -- cat", "piped") == type(said)(0, "piped", "")


async def test_logs_of_several_pods(tmp_path: Path) -> None:
    """By labels, with who said it before each line, the last ten lines of each."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await create(session, *(pod(name, labels={"app": "x"}) for name in ("a", "b")))
        for name in ("a", "b"):
            revision = await until_ready(session, name)
            directory = Path(session.logs) / f"default_{name}_{revision.uid}" / "main"
            directory.mkdir(parents=True, exist_ok=True)
            lines = [f"2026-01-02T03:04:05.0Z stdout F line {number}\n" for number in range(12)]
            (directory / "0.log").write_text("".join(lines))
        said = await say(session, "logs -l app=x --prefix")
        assert said.out.splitlines()[0] == "[pod/a/main] line 2"
        assert len(said.out.splitlines()) == 20
        assert (await say(session, "logs a --tail=1")).out == "line 11\n"
        both = await say(session, "logs a --since=1s --since-time=2026-01-02T03:04:05Z")
        assert both.code == 2


async def test_pruning_from_the_console(tmp_path: Path) -> None:
    """What is gone from the input is told, and deleted when that is asked for."""
    settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\ndata: {a: b}\n"
    one, two = settings.replace("NAME", "one"), settings.replace("NAME", "two")
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await say(session, "apply -f - --field-manager deck", f"{one}---\n{two}")
        told = await say(session, "apply -f - --field-manager deck", one)
        assert told.err == "configmap/two is no longer in the input (--prune deletes it)\n"
        many = "---\n".join(settings.replace("NAME", f"more-{number}") for number in range(4))
        await say(session, "apply -f - --field-manager deck", f"{one}---\n{two}---\n{many}")
        other = await say(session, "apply -f - --field-manager deck", many)
        assert other.err.count("\n") == 2
        told = await say(session, "apply -f - --field-manager deck", one)
        assert told.err == (
            "configmap/more-0, configmap/more-1, configmap/more-2 and 2 more"
            " are not in the input (--prune deletes them)\n"
        )
        pruned = await say(session, "apply -f - --field-manager deck --prune", f"{one}---\n{many}")
        assert pruned.out.endswith("configmap/more-3 unchanged\nconfigmap/two pruned\n")
        assert cluster.plane.store.get(key("configmaps", "two")) is None


async def test_namespaces(tmp_path: Path) -> None:
    """-n is where names are looked for, and an object may not name another."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await say(session, "apply -f -", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")
        assert (await say(session, "apply -n shop -f -", WEB)).code == 0
        assert (await say(session, "get deploy -n shop -o name")).out == "deployment.apps/web\n"
        assert (await say(session, "get deploy")).err == "No resources found in default namespace.\n"
        assert "shop        web " in (await say(session, "get deploy -A")).out
        other = WEB.replace("name: web}", "name: web, namespace: default}")
        wrong = await say(session, "apply -n shop -f -", other)
        assert (wrong.code, "does not match the namespace" in wrong.err) == (2, True)


async def test_a_node_from_the_console(tmp_path: Path) -> None:
    """cordon, drain, uncordon, partition and start, in their sentences."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await create(session, deployment("web", 2))
        await until_available(session, "web")
        assert (await say(session, "cordon node-1")).out == "node/node-1 cordoned\n"
        assert (await say(session, "cordon node/node-1")).out == "node/node-1 already cordoned\n"
        drained = (await say(session, "node drain node-1")).out.splitlines()
        assert drained[0] == "node/node-1 already cordoned"
        assert drained[-1] == "node/node-1 drained"
        assert any(line.startswith("evicting pod default/web-") for line in drained)
        assert (await say(session, "node uncordon node-1")).out == "node/node-1 uncordoned\n"
        assert (await say(session, "node partition node-1 node-2")).out == (
            "node/node-1 partitioned\nnode/node-2 partitioned\n"
        )
        assert (await say(session, "node start node-1")).out == "node/node-1 started\n"


async def test_looking_inside(tmp_path: Path) -> None:
    """The tree, one actor, figures, and help."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        tree = (await say(session, "actors")).out
        assert tree.startswith("PATH ")
        assert "/nodes/node-1 " in tree
        assert "link:             connected" in (await say(session, "actors /nodes/node-1")).out
        assert '"path": "/nodes/node-1"' in (await say(session, "actors /nodes/node-1 -o json")).out
        assert "Revision:" in (await say(session, "stats")).out
        assert "rollout undo" in (await say(session, "help")).out
        assert "Example:\n  get pods -o wide\n" in (await say(session, "help get")).out


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["ge"], ["get"]),
        (["rollout", "re"], ["restart", "resume"]),
        (["get", "deploy"], ["deployments"]),
        (["get", "deploy", ""], ["web"]),
        (["get", "deploy/"], ["deploy/web"]),
        (["scale", "deployment", "w"], ["web"]),
        (["node", "stop", "node-"], ["node-1", "node-2"]),
        (["get", "pods", "-n", "kube-p"], ["kube-public"]),
        (["get", "pods", "-o", "ya"], ["yaml"]),
        (["get", "pods", "--output=ya"], ["--output=yaml"]),
        (["get", "pods", "--output-"], ["--output-watch-events"]),
        (["delete", "deploy", "web", "--cascade", "or"], []),
        (["delete", "deploy", "web", "--cascade=or"], ["--cascade=orphan"]),
        (["actors", "/nodes/node-1"], ["/nodes/node-1"]),
        (["get", "deploy", "-n", "kube-system", ""], []),
    ],
)
async def test_completion(tmp_path: Path, typed: list[str], expected: list[str]) -> None:
    """Commands, types, names where they are looked for, flags and their values."""
    async with simulated_cluster(tmp_path) as cluster:
        await create(cluster.session, deployment("web", 0))
        transcript = Transcript(cluster.session)
        assert await run_command(transcript, ["complete", "--", *typed]) == 0
        found = [line.partition("\t")[0] for line in transcript.printed[1].decode().splitlines()]
        assert found == expected
