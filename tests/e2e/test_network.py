"""Services and names, as pods and the machine meet them."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest
import trio

from .manifests import SERVER_FILES, SERVER_VOLUMES, Body, pod, server_container, service, shell, sleeper, web
from .stage import PODS, Stage, eventually

ASK = """
import socket, sys
for name in sys.argv[1:]:
    try:
        if name.replace(".", "").isdigit():
            print(name, socket.gethostbyaddr(name)[0])
        else:
            print(name, *sorted({a[4][0] for a in socket.getaddrinfo(name, 1, socket.AF_INET, socket.SOCK_STREAM)}))
    except OSError as error:
        print(name, "-", error.args[-1])
"""


SLOW = """
import http.server, os, signal, threading, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("got", flush=True)
        while not os.path.exists("/tmp/answer"):
            time.sleep(0.05)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"late")

def end(*_):
    print("asked to end", flush=True)
    threading.Thread(target=server.shutdown).start()

server = http.server.ThreadingHTTPServer(("", 8080), Handler)
server.daemon_threads = False
signal.signal(signal.SIGTERM, end)
server.serve_forever(0.05)
server.server_close()
"""


def needs_routes(stage: Stage) -> None:
    """Skip where pods have no network of their own."""
    if stage.cluster.tier not in ("A", "B"):
        pytest.skip(f"tier {stage.cluster.tier}: no network namespaces")


async def fetch(url: str, within: float = 30.0) -> str:
    """What a GET from the machine answers, or the error's name."""

    def get() -> str:
        try:
            with urllib.request.urlopen(url, timeout=within) as answer:
                return str(answer.read().decode())
        except urllib.error.URLError as error:
            return type(error.reason).__name__

    return await trio.to_thread.run_sync(get)


async def ask_names(stage: Stage, pod: str, *names: str) -> dict[str, str]:
    """What names and addresses resolve to inside a pod."""
    code, told = await stage.exec(pod, "python3", "-S", "-c", ASK, *names)
    assert code == 0, told
    return dict(line.split(" ", 1) for line in told.splitlines())


async def test_names_inside_pods(stage: Stage) -> None:
    """web, web.ns, the whole name, PTR, headless Services, pods with host name and subdomain, and names nobody has."""
    needs_routes(stage)
    await stage.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}},
        SERVER_FILES,
        web(replicas=2),
        service("web"),
        {**service("heads", clusterIP="None"), "spec": {"clusterIP": "None", "selector": {"app": "web"}}},
        pod("client"),
        {**pod("far"), "metadata": {"name": "far", "namespace": "other"}},
        pod("named", labels={"in": "sub"}, hostname="me", subdomain="sub"),
        {**service("sub"), "spec": {"clusterIP": "None", "selector": {"in": "sub"}}},
    )
    await stage.rolled_out("web")
    await stage.ready("client", "named")
    await stage.until(lambda: len(stage.endpoints("heads")) == 2 and stage.endpoints("sub"))
    address = stage.service_ip("web")
    full = "web.default.svc.cluster.local"
    with trio.fail_after(60):
        found = await ask_names(stage, "client", "web", "web.default", "web.default.svc", full, f"{full}.", address,
                                "heads", "nobody", "me.sub")  # fmt: skip
    assert {name: found[name] for name in ("web", "web.default", "web.default.svc", full, f"{full}.")} == dict.fromkeys(
        ("web", "web.default", "web.default.svc", full, f"{full}."), address
    )
    assert found[address] == full
    assert set(found["heads"].split()) == stage.endpoints("web")
    assert found["nobody"].startswith("-")
    assert found["me.sub"] == stage.pod("named")["status"]["podIP"]
    conf = (await stage.exec("client", "cat", "/etc/resolv.conf"))[1].split()
    assert conf[conf.index("search") + 1 :][:3] == [
        "default.svc.cluster.local", "svc.cluster.local", "cluster.local",
    ]  # fmt: skip


async def test_services_from_pods_and_machine(stage: Stage) -> None:
    """A ClusterIP reaches every ready pod, from pods (also from its own), from the machine; none ready: refused."""
    needs_routes(stage)
    await stage.apply(SERVER_FILES, web(replicas=2), service("web"), pod("client"))
    await stage.rolled_out("web")
    await stage.ready("client")
    await stage.until(lambda: len(stage.endpoints("web")) == 2)
    names = {one.key.name for one in stage.pods("app=web")}
    get = "import urllib.request as u\nfor _ in range(40): print(u.urlopen('http://web/', timeout=30).read().decode())"
    for client in ("client", min(names)):
        code, told = await stage.exec(client, "python3", "-S", "-c", get)
        assert code == 0, told
        assert set(told.split()) - {"1"} == names
    if stage.cluster.tier == "A":
        address = stage.service_ip("web")
        told = " ".join([await fetch(f"http://{address}/") for _ in range(40)])
        assert set(told.split()) - {"1"} == names
        await stage.roll("web", lambda spec: spec.update(replicas=0))
        await stage.until(lambda: not stage.pods("app=web"))

        async def refused() -> bool:
            return await fetch(f"http://{address}/") == "ConnectionRefusedError"

        await eventually(refused)


async def test_only_ready_pods_get_traffic(stage: Stage) -> None:
    """A pod that is not ready, or no longer, is no endpoint; publishNotReadyAddresses shows it."""
    probe = {"exec": {"command": ["test", "-e", "/tmp/ready"]}, "periodSeconds": 1, "failureThreshold": 1}
    probe["timeoutSeconds"] = 20
    await stage.apply(
        SERVER_FILES,
        pod("web", server_container(readinessProbe=probe), labels={"app": "web"}, volumes=SERVER_VOLUMES),
        service("web"),
        {**service("all"), "spec": {**service("web")["spec"], "publishNotReadyAddresses": True}},
    )
    await stage.until(lambda: stage.endpoints("all"))
    assert stage.endpoints("web") == set()
    await stage.exec("web", "touch", "/tmp/ready")
    await stage.until(lambda: stage.endpoints("web"))
    assert stage.endpoints("web") == {stage.pod("web")["status"]["podIP"]}
    await stage.exec("web", "rm", "/tmp/ready")
    await stage.until(lambda: not stage.endpoints("web"))


async def test_an_accepted_request_is_answered_though_its_pod_is_deleted(stage: Stage) -> None:
    """The connection stands until the pod has answered; new ones go elsewhere at once."""
    if stage.cluster.tier != "A":
        pytest.skip(f"tier {stage.cluster.tier}: the machine has no route to Services")
    container = server_container(command=["python3", "-S", "-c", SLOW], volumeMounts=[])
    container["readinessProbe"] = {"tcpSocket": {"port": "http"}, "periodSeconds": 1}
    await stage.apply(pod("web", container, labels={"app": "web"}, terminationGracePeriodSeconds=120), service("web"))
    await stage.until(lambda: stage.endpoints("web"))
    await stage.ready("web")
    address = stage.service_ip("web")
    answers: list[str] = []

    async def ask() -> None:
        while (told := await fetch(f"http://{address}/", within=120)) == "ConnectionRefusedError":
            await trio.sleep(0.05)  # the data plane is a moment behind the slices
        answers.append(told)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await stage.until(lambda: "got" in stage.log("web"))
        await stage.apply(SERVER_FILES)
        await stage.apply(pod("other", server_container(), labels={"app": "web"}, volumes=SERVER_VOLUMES))
        await stage.ready("other")
        await stage.until(lambda: len(stage.endpoints("web")) == 2)
        await stage.delete(PODS, "web")
        await stage.until(lambda: len(stage.endpoints("web")) == 1)
        await stage.until(lambda: "asked to end" in stage.log("web"))  # only when nobody is sent to it any more
        told = [await fetch(f"http://{address}/") for _ in range(20)]
        assert stage.get(PODS, "web") is not None
        assert answers == []
        await stage.exec("web", "touch", "/tmp/answer")
    assert set(told) == {"other 1\n"}
    assert answers == ["late"]


async def test_host_network_and_host_ports(stage: Stage) -> None:
    """hostNetwork has the node's address; a hostPort leads from the node's address to the pod; two cannot have one."""
    needs_routes(stage)
    port = [{"containerPort": 8080, "hostPort": 8123, "name": "http"}]
    host: Body = server_container(ports=[{"containerPort": 8080, "name": "http"}])
    select = {"nodeSelector": {"kubernetes.io/hostname": "node-1"}}
    await stage.apply(SERVER_FILES)
    await stage.apply(
        pod("mapped", server_container(ports=port), volumes=SERVER_VOLUMES, **select),
        pod("host", host, hostNetwork=True, subdomain="nobody", volumes=SERVER_VOLUMES, **select),
    )
    await stage.ready("mapped", "host")
    status = stage.pod("host")["status"]
    assert status["podIP"] == status["hostIP"]
    hosts = (await stage.exec("host", "cat", "/etc/hosts"))[1]
    assert hosts.startswith("# Kubernetes-managed hosts file (host network).\n" + Path("/etc/hosts").read_text())
    assert hosts.endswith(f"\n{status['hostIP']}\tnode-1\n")
    await stage.apply(pod("second", sleeper(ports=port), **select))
    await stage.until(lambda: stage.events("second", "FailedScheduling"))
    assert "node(s) didn't have free ports for the requested pod ports" in stage.events("second")[0]
    await stage.apply(pod("client", shell("sleep 1000")))
    await stage.ready("client")
    for port_number, name in ((8123, "mapped"), (8080, "host")):
        get = (
            f"import urllib.request as u; print(u.urlopen('http://{status['hostIP']}:{port_number}/').read().decode())"
        )
        assert (await stage.exec("client", "python3", "-S", "-c", get))[1].split() == [name, "1"]
