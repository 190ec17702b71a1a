"""From Pending to the end: init containers, sidecars, hooks, probes, deadlines, and what goes wrong, in words."""

from __future__ import annotations

import os

import trio

from kube_actors.verbs.exec import open_exec

from .footprint import processes_of
from .manifests import SERVER_FILES, SERVER_VOLUMES, Body, pod, server_container, shell, sleeper
from .stage import PODS, Stage

TICK = "python3 -S -c 'import time; print(time.time(), flush=True)'"


def state(stage: Stage, name: str, container: str = "main") -> Body:
    """What a container's status says of now."""
    found: Body = stage.container(name, container).get("state", {})
    return found


def waiting(stage: Stage, name: str, container: str = "main") -> str:
    """Why a container waits; empty when it does not."""
    return str(state(stage, name, container).get("waiting", {}).get("reason", ""))


def conditions(stage: Stage, name: str) -> dict[str, str]:
    """A pod's conditions."""
    return {one["type"]: one["status"] for one in stage.pod(name).get("status", {}).get("conditions", ())}


async def test_init_containers_run_one_after_the_other_and_sidecars_stay(stage: Stage) -> None:
    """Two init containers, then a sidecar that runs beside them all and is ended last."""
    log = [{"name": "log", "mountPath": "/log"}]
    say = "echo {} >>/log/all"
    sidecar = shell(
        f"trap '{say.format('sidecar-ends')}; exit 0' TERM; {say.format('sidecar')}; while :; do sleep 0.05; done",
        name="sidecar", restartPolicy="Always", volumeMounts=log,
    )  # fmt: skip
    steps = [shell(f"sleep 0.2; {say.format(name)}", name=name, volumeMounts=log) for name in ("one", "two")]
    main = shell(f"{say.format('main')}; cat /log/all; sleep 0.2; {say.format('main-ends')}", volumeMounts=log)
    late = shell("trap '' TERM; sleep 0.5; cat /log/all; sleep 1000", name="reader", restartPolicy="Always",
                 volumeMounts=log)  # fmt: skip
    body = pod("steps", main, initContainers=[steps[0], late, sidecar, steps[1]], volumes=[
        {"name": "log", "emptyDir": {}}], restartPolicy="Never")  # fmt: skip
    await stage.apply(body)
    await stage.until(lambda: state(stage, "steps", "one"))
    assert conditions(stage, "steps")["Initialized"] == "False"
    assert (await stage.ended("steps"))["status"]["phase"] == "Succeeded"
    assert stage.log("steps").split() == ["one", "sidecar", "two", "main"]
    assert conditions(stage, "steps")["Initialized"] == "True"
    assert state(stage, "steps", "one")["terminated"]["reason"] == "Completed"


async def test_a_failing_init_container_keeps_the_pod_from_starting(stage: Stage) -> None:
    """Never: the pod fails; Always: Init:CrashLoopBackOff, and the main container waits for PodInitializing."""
    bad = shell("exit 4", name="init")
    await stage.apply(
        pod("never", sleeper(), initContainers=[bad], restartPolicy="Never"),
        pod("always", sleeper(), initContainers=[bad]),
    )
    assert (await stage.ended("never"))["status"]["phase"] == "Failed"
    assert state(stage, "never", "init")["terminated"]["exitCode"] == 4
    await stage.until(lambda: waiting(stage, "always", "init") == "CrashLoopBackOff")
    assert waiting(stage, "always") == "PodInitializing"
    assert stage.pod("always")["status"]["phase"] == "Pending"


async def test_hooks_run_in_order_and_within_the_grace(stage: Stage) -> None:
    """postStart beside the program; preStop, then SIGTERM, then the end; the deletion waits for it."""
    log = [{"name": "log", "mountPath": "/log"}]
    say = "echo {} >>/log/all"
    hooks = {
        "postStart": {"exec": {"command": ["sh", "-c", say.format("post-start")]}},
        "preStop": {"exec": {"command": ["sh", "-c", f"sleep 0.3; {say.format('pre-stop')}"]}},
    }
    script = f"trap '{say.format('term')}; cat /log/all; exit 0' TERM; while :; do sleep 0.02; done"
    await stage.apply(
        pod(
            "hooked",
            shell(script, lifecycle=hooks, volumeMounts=log),
            volumes=[{"name": "log", "emptyDir": {}}],
            terminationGracePeriodSeconds=60,
        )
    )
    await stage.ready("hooked")
    body = stage.pod("hooked")["metadata"]
    path = stage.cluster.state.logs / f"default_hooked_{body['uid']}" / "main" / "0.log"
    await stage.delete(PODS, "hooked")
    await stage.gone(PODS, "hooked")
    assert [line.split()[-1] for line in path.read_text().splitlines()] == ["post-start", "pre-stop", "term"]
    await stage.until(lambda: stage.events("hooked", "Killing"))
    assert stage.events("hooked", "Killing") == ["Stopping container main"]


async def test_a_container_in_its_post_start(stage: Stage) -> None:
    """It is being made for as long as the hook takes and no probe asks it, but one can get in, here to end the hook."""
    hook = {"postStart": {"exec": {"command": ["sh", "-c", "until [ -e /tmp/go ]; do sleep 0.05; done"]}}}
    alive = {"exec": {"command": ["cat", "/tmp/go"]}, "periodSeconds": 1, "failureThreshold": 1}
    await stage.apply(pod("held", sleeper(lifecycle=hook, livenessProbe=alive)))
    await stage.until(lambda: stage.container("held").get("containerID"))
    assert waiting(stage, "held") == "ContainerCreating"
    assert stage.pod("held")["status"]["phase"] == "Pending"
    (held,) = stage.pods()
    command = await open_exec(stage.cluster.session, held, "main", ["sh", "-c", "sleep 1.5; touch /tmp/go"])
    assert await command.wait() == 0
    await command.aclose()
    await stage.ready("held")
    assert stage.container("held")["restartCount"] == 0


async def test_http_and_sleep_hooks(stage: Stage) -> None:
    """preStop by httpGet reaches the pod's server; sleep delays SIGTERM by as long as it says."""
    get = {"preStop": {"httpGet": {"path": "/leaving", "port": "http"}}}
    server = server_container(lifecycle=get)
    listen = "import http.server as h\nclass H(h.BaseHTTPRequestHandler):\n def do_GET(s): print(s.path, flush=True);"
    listen += " s.send_response(200); s.end_headers()\nh.HTTPServer(('', 8080), H).serve_forever()"
    server = {**server, "command": ["python3", "-S", "-c", listen], "volumeMounts": []}
    slow = sleeper(lifecycle={"preStop": {"sleep": {"seconds": 1}}})
    await stage.apply(pod("http", server), pod("slow", slow, terminationGracePeriodSeconds=600))
    await stage.ready("http", "slow")
    uid = stage.pod("http")["metadata"]["uid"]
    path = stage.cluster.state.logs / f"default_http_{uid}" / "main" / "0.log"
    began = trio.current_time()
    await stage.delete(PODS, "slow")
    await stage.delete(PODS, "http")
    await stage.gone(PODS, "slow")
    assert trio.current_time() - began >= 1
    await stage.gone(PODS, "http")
    assert "/leaving" in path.read_text()


async def test_a_hook_that_hangs_is_cut_off_and_one_that_fails_is_told(stage: Stage) -> None:
    """The grace covers the hook; FailedPreStopHook and FailedPostStartHook; a failed postStart kills the container."""
    hangs = {"preStop": {"exec": {"command": ["sleep", "1000"]}}}
    fails = {"postStart": {"exec": {"command": ["sh", "-c", "echo sorry >&2; exit 9"]}}}
    await stage.apply(
        pod("hangs", sleeper(lifecycle=hangs), terminationGracePeriodSeconds=1),
        pod("fails", sleeper(lifecycle=fails)),
    )
    await stage.ready("hangs")
    began = trio.current_time()
    await stage.delete(PODS, "hangs")
    await stage.gone(PODS, "hangs")
    assert trio.current_time() - began >= 1
    await stage.until(lambda: stage.events("hangs", "FailedPreStopHook"))
    await stage.until(lambda: stage.events("fails", "FailedPostStartHook"))
    assert "PostStartHook failed" in stage.events("fails", "FailedPostStartHook")[0]
    await stage.until(lambda: stage.container("fails").get("restartCount", 0) >= 1)


async def test_what_ignores_sigterm_is_killed_after_its_grace(stage: Stage) -> None:
    """SIGKILL after terminationGracePeriodSeconds to everything the container started; force skips the grace."""
    mark = f"98765{os.getpid()}"
    stubborn = f"trap '' TERM; setsid sleep {mark} & while :; do sleep 1; done"
    await stage.apply(pod("slow", shell(stubborn), terminationGracePeriodSeconds=1))
    await stage.apply(pod("forced", shell(stubborn), terminationGracePeriodSeconds=100))
    await stage.ready("slow", "forced")
    await stage.until(lambda: len(processes_of("sleep", mark)) == 2)
    began = trio.current_time()
    await stage.delete(PODS, "slow")
    assert stage.pod("slow")["metadata"]["deletionGracePeriodSeconds"] == 1
    await stage.gone(PODS, "slow")
    assert trio.current_time() - began >= 1
    assert len(processes_of("sleep", mark)) == 1
    await stage.delete(PODS, "forced", grace_seconds=0)
    assert stage.get(PODS, "forced") is None
    await stage.until(lambda: not processes_of("sleep", mark))


async def test_active_deadline_and_termination_message(stage: Stage) -> None:
    """DeadlineExceeded after activeDeadlineSeconds; the message file shows in the status, or the log does."""
    await stage.apply(
        pod("late", sleeper(), activeDeadlineSeconds=1, restartPolicy="Never"),
        pod("file", shell("echo good reasons >/dev/termination-log; exit 3"), restartPolicy="Never"),
        pod("log", shell("echo from the log; exit 3", terminationMessagePolicy="FallbackToLogsOnError"),
            restartPolicy="Never"),
    )  # fmt: skip
    late = await stage.ended("late")
    assert (late["status"]["phase"], late["status"]["reason"]) == ("Failed", "DeadlineExceeded")
    assert late["status"]["message"] == "Pod was active on the node longer than the specified deadline"
    await stage.ended("file")
    assert state(stage, "file")["terminated"]["message"] == "good reasons\n"
    await stage.ended("log")
    assert state(stage, "log")["terminated"]["message"] == "from the log\n"


async def test_probes_and_their_thresholds(stage: Stage) -> None:
    """Readiness comes and goes by file; liveness restarts after failureThreshold; startup keeps the others waiting."""
    readiness = {"exec": {"command": ["test", "-e", "/tmp/ready"]}, "periodSeconds": 1, "successThreshold": 2}
    liveness = {"exec": {"command": ["sh", "-c", "! test -e /tmp/sick || { echo so sick; exit 1; }"]},
                "periodSeconds": 1, "failureThreshold": 2}  # fmt: skip
    startup = {"exec": {"command": ["test", "-e", "/tmp/started"]}, "periodSeconds": 1, "failureThreshold": 100}
    for probe in (readiness, liveness, startup):
        probe["timeoutSeconds"] = 20
    await stage.apply(pod("probed", sleeper(readinessProbe=readiness, livenessProbe=liveness, startupProbe=startup)))
    await stage.until(lambda: state(stage, "probed").get("running"))
    await stage.exec("probed", "touch", "/tmp/ready", "/tmp/sick")
    await trio.sleep(1.5)
    status = stage.container("probed")
    assert (status["started"], status["ready"], status["restartCount"]) == (False, False, 0)
    await stage.exec("probed", "rm", "/tmp/sick")
    await stage.exec("probed", "touch", "/tmp/started")
    await stage.ready("probed")
    assert stage.container("probed")["started"] is True
    await stage.exec("probed", "rm", "/tmp/ready")
    await stage.until(lambda: conditions(stage, "probed")["Ready"] == "False")
    assert conditions(stage, "probed")["ContainersReady"] == "False"
    await stage.exec("probed", "touch", "/tmp/sick")
    await stage.until(lambda: stage.container("probed").get("restartCount") == 1)
    assert stage.container("probed")["lastState"]["terminated"]["exitCode"] == 0  # it heeds SIGTERM
    await stage.until(lambda: stage.events("probed", "Killing"))
    assert stage.events("probed", "Killing") == ["Container main failed liveness probe, will be restarted"]
    await stage.until(lambda: "Liveness probe failed: so sick\n" in stage.events("probed", "Unhealthy"))
    assert any(message.startswith("Startup probe failed: ") for message in stage.events("probed", "Unhealthy"))


async def test_tcp_and_http_probes_in_kubernetes_words(stage: Stage) -> None:
    """A port nobody listens on, a status of 503, a server that answers."""
    await stage.apply(SERVER_FILES)
    tcp = {"tcpSocket": {"port": 9}, "periodSeconds": 1}
    failing = {"httpGet": {"path": "/fails", "port": "http"}, "periodSeconds": 1}
    await stage.apply(
        pod("tcp", sleeper(readinessProbe=tcp)),
        pod("bad", server_container(readinessProbe=failing), volumes=SERVER_VOLUMES),
        pod("good", server_container(readinessProbe={"tcpSocket": {"port": "http"}, "periodSeconds": 1}),
            volumes=SERVER_VOLUMES),
    )  # fmt: skip
    await stage.ready("good")
    words = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    await stage.until(lambda: words in stage.events("bad", "Unhealthy"))
    address = stage.pod("tcp")["status"]["podIP"]
    refused = f"Readiness probe failed: dial tcp {address}:9: connect: connection refused"
    await stage.until(lambda: refused in stage.events("tcp", "Unhealthy"))


async def test_what_cannot_start_says_why(stage: Stage) -> None:
    """Images, commands, ConfigMaps, Secrets and volumes that are not there: status and Events in Kubernetes' words."""
    missing = {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "k"}}}]}
    volumes = [{"name": "v", "configMap": {"name": "later"}}]
    await stage.apply(
        pod("image", {"name": "main", "image": "registry.example/none:1"}),
        pod("never", {"name": "main", "image": "none", "imagePullPolicy": "Never", "command": ["true"]}),
        pod("invalid", {"name": "main", "image": "UPPER//Case", "command": ["true"]}),
        pod("command", {"name": "main", "image": "host", "command": ["/no/such/program"]}),
        pod("config", {**sleeper(), **missing}),
        pod("volume", sleeper(volumeMounts=[{"name": "v", "mountPath": "/v"}]), volumes=volumes),
    )
    await stage.until(lambda: waiting(stage, "image") in ("ErrImagePull", "ImagePullBackOff"))
    await stage.until(lambda: stage.events("image", "Failed"))
    assert any(message.startswith('Failed to pull image "registry.example/none:1"')
               for message in stage.events("image", "Failed")), stage.events("image")  # fmt: skip
    await stage.until(lambda: waiting(stage, "never") == "ErrImageNeverPull")
    await stage.until(lambda: waiting(stage, "invalid") == "InvalidImageName")
    await stage.until(lambda: waiting(stage, "config") == "CreateContainerConfigError")
    assert state(stage, "config")["waiting"]["message"] == 'configmap "none" not found'
    words = 'MountVolume.SetUp failed for volume "v" : configmap "later" not found'
    await stage.until(lambda: words in stage.events("volume", "FailedMount"))
    assert waiting(stage, "volume") == "ContainerCreating"
    await stage.until(lambda: waiting(stage, "command") in ("RunContainerError", "CrashLoopBackOff"))
    failed = stage.container("command")
    told = failed["state"].get("waiting", {}).get("message", "")
    ended = failed["lastState"].get("terminated", {})
    assert "/no/such/program" in told + ended.get("message", ""), failed
    await stage.until(lambda: stage.events("command", "Failed"))
    assert any("no such file or directory" in message for message in stage.events("command", "Failed"))
    for name in ("image", "never", "invalid", "config", "volume"):
        assert stage.pod(name)["status"]["phase"] == "Pending"
    await stage.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "later"}, "data": {"k": "v"}})
    await stage.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "none"}, "data": {"k": "v"}})
    await stage.ready("volume", "config")


async def test_one_container_restarts_all(stage: Stage) -> None:
    """A rule on its exit code: init containers run again, the rest is killed and starts anew in the same sandbox."""
    rule = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}
    once = "test -e /w/x && exec sleep 1000; touch /w/x; sleep 0.5; exit 42"
    mounts = [{"name": "w", "mountPath": "/w"}]
    trigger = shell(once, name="trigger", restartPolicy="Never", restartPolicyRules=[rule], volumeMounts=mounts)
    deaf = shell("trap '' TERM; while :; do sleep 1; done")
    setup = shell("echo again", name="setup")
    volumes = [{"name": "w", "emptyDir": {}}]
    body = pod("gang", deaf, trigger, initContainers=[setup], volumes=volumes, restartPolicy="Never")
    await stage.apply(body)
    await stage.ready("gang")
    address = stage.pod("gang")["status"]["podIP"]
    await stage.until(lambda: stage.container("gang", "trigger").get("restartCount") == 1)
    await stage.ready("gang")
    status = stage.pod("gang")["status"]
    assert status["podIP"] == address
    counts = [one["restartCount"] for one in (*status["initContainerStatuses"], *status["containerStatuses"])]
    assert counts == [1, 1, 1]
    assert {one["lastState"]["terminated"]["reason"] for one in status["containerStatuses"]} == {
        "RestartingAllContainers"
    }
    assert stage.log("gang", "setup", 1) == "again\n"
