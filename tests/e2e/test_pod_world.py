"""What a process finds in its pod: files, environment, identity, limits, names."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from .manifests import Body, field, pod, service, shell, sleeper
from .stage import Stage, eventually


async def output(stage: Stage, body: Body) -> str:
    """What a pod's container `main` prints until it ends."""
    name = body["metadata"]["name"]
    body["spec"].setdefault("restartPolicy", "Never")
    await stage.apply(body)
    ended = await stage.ended(name)
    assert ended["status"]["phase"] == "Succeeded", (stage.log(name), ended["status"], stage.events(name))
    await stage.until(lambda: stage.log(name).endswith("end\n"))
    return stage.log(name).removesuffix("end\n")


def printing(script: str, **fields: Any) -> Body:
    """A container that runs a script and says that it ended."""
    return shell(f"{script}\necho end", **fields)


CONFIG = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings"},
    "data": {"color": "blue", "nested.txt": "deep\n"},
    "binaryData": {"raw": base64.b64encode(b"\xff\x00").decode()},
}
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "keys"},
    "stringData": {"password": "geheim"},
}


async def test_volumes(stage: Stage, tmp_path: Path) -> None:
    """configMap, secret, emptyDir shared by containers, hostPath, projected, subPath, items and modes."""
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "from-machine").write_text("machine\n")
    await stage.apply(CONFIG, SECRET)
    script = """
    cat /config/color; echo; cat /picked/deep/file; stat -L -c %a /picked/deep/file
    od -An -tx1 /config/raw | tr -d ' '
    cat /secret/password; echo; stat -L -c %a /secret/password; stat -f -c %T /secret
    cat /all/color; echo; cat /all/password; echo; cat /all/labels; echo; cat /all/name; echo
    cat /host/from-machine; echo pod >/host/from-pod
    cat /only; echo; cat /shared/hello
    (echo x >/config/color) 2>/dev/null || echo read-only
    """
    volumes = [
        {"name": "config", "configMap": {"name": "settings"}},
        {"name": "picked", "configMap": {"name": "settings", "items": [
            {"key": "nested.txt", "path": "deep/file", "mode": 0o640}]}},
        {"name": "secret", "secret": {"secretName": "keys", "defaultMode": 0o400}},
        {"name": "shared", "emptyDir": {}},
        {"name": "host", "hostPath": {"path": str(tmp_path / "host"), "type": "Directory"}},
        {"name": "all", "projected": {"sources": [
            {"configMap": {"name": "settings", "items": [{"key": "color", "path": "color"}]}},
            {"secret": {"name": "keys"}},
            {"downwardAPI": {"items": [
                {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
                {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}}]}},
    ]  # fmt: skip
    mounts = [
        {"name": name, "mountPath": f"/{name}"} for name in ("config", "picked", "secret", "shared", "all", "host")
    ]
    mounts.append({"name": "config", "mountPath": "/only", "subPath": "color"})
    writer = shell("echo hi >/shared/hello", name="writer", volumeMounts=[{"name": "shared", "mountPath": "/shared"}])
    body = pod("files", printing(script, volumeMounts=mounts), initContainers=[writer], volumes=volumes,
               labels={"app": "files"})  # fmt: skip
    assert (await output(stage, body)).splitlines() == [
        "blue", "deep", "640", "ff00", "geheim", "400", "tmpfs",
        "blue", "geheim", 'app="files"', "files", "machine", "blue", "hi", "read-only",
    ]  # fmt: skip
    assert (tmp_path / "host" / "from-pod").read_text() == "pod\n"


async def test_a_changed_config_map_arrives_in_the_running_pod(stage: Stage) -> None:
    """Files change at once and together; environment variables stay as they were."""
    await stage.apply(CONFIG)
    env = [{"name": "COLOR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "color"}}}]
    mounts = [{"name": "config", "mountPath": "/config"}]
    await stage.apply(pod("live", sleeper(env=env, volumeMounts=mounts),
                          volumes=[{"name": "config", "configMap": {"name": "settings"}}]))  # fmt: skip
    await stage.ready("live")
    await stage.apply({**CONFIG, "data": {"color": "green", "new": "one"}})

    async def arrived() -> bool:
        _, told = await stage.exec("live", "sh", "-c", "cat /config/color; echo; ls /config")
        return told.split() == ["green", "color", "new", "raw"]

    await eventually(arrived)
    assert await stage.exec("live", "sh", "-c", "echo $COLOR") == (0, "blue\n")
    assert stage.container("live")["restartCount"] == 0


async def test_environment_arguments_and_place(stage: Stage) -> None:
    """References, downward API, envFrom with prefix, expansion in args, working directory, service links."""
    await stage.apply(CONFIG, SECRET, service("my-db", port=5432, target=1))
    env = [
        {"name": "PLAIN", "value": "a"},
        {"name": "BUILT", "value": "$(PLAIN)-$(MISSING)-$$(PLAIN)"},
        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "password"}}},
        {"name": "GONE", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "none", "optional": True}}},
        {"name": "POD", "valueFrom": field("metadata.name")},
        {"name": "NODE", "valueFrom": field("spec.nodeName")},
        {"name": "IP", "valueFrom": field("status.podIP")},
        {"name": "HOST_IP", "valueFrom": field("status.hostIP")},
        {"name": "LABEL", "valueFrom": field("metadata.labels['app']")},
        {"name": "MEMORY", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "requests.cpu", "divisor": "1m"}}},
    ]
    names = "PLAIN BUILT SECRET GONE POD NODE IP HOST_IP LABEL MEMORY CPU CFG_color MY_DB_SERVICE_PORT HOSTNAME"
    script = f'for name in {names}; do eval "echo $name=\\${{$name-unset}}"; done; pwd; echo "$1|$2"; echo end'
    container = {
        **shell(script),
        "args": ["sh", "$(PLAIN) and more", "$(NOPE)"],
        "env": env,
        "envFrom": [{"prefix": "CFG_", "configMapRef": {"name": "settings"}}],
        "workingDir": "/tmp/here",
        "resources": {"limits": {"memory": "64Mi"}, "requests": {"cpu": "250m"}},
    }
    lines = (await output(stage, pod("env", container, labels={"app": "e"}))).splitlines()
    body = stage.pod("env")
    status = body["status"]
    assert lines == [
        "PLAIN=a", "BUILT=a-$(MISSING)-$(PLAIN)", "SECRET=geheim", "GONE=unset", "POD=env",
        f"NODE={body['spec']['nodeName']}", f"IP={status['podIP']}", f"HOST_IP={status['hostIP']}", "LABEL=e",
        "MEMORY=64", "CPU=250", "CFG_color=blue", "MY_DB_SERVICE_PORT=5432", "HOSTNAME=env",
        "/tmp/here", "a and more|$(NOPE)",
    ]  # fmt: skip


async def test_nothing_of_the_runtime_leaks_in(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """No environment, no descriptors, no ignored signals, no umask, no home directories of ours."""
    monkeypatch.setenv("OUR_SECRET", "x")
    script = "env | cut -d= -f1 | sort | tr '\\n' ' '; echo; ls /proc/self/fd | wc -l; umask; ls /root /home | wc -w"
    script += "; grep -E 'SigIgn|SigBlk' /proc/self/status"
    lines = (await output(stage, pod("clean", printing(script)))).splitlines()
    names = set(lines[0].split())
    assert "OUR_SECRET" not in names
    assert names >= {"HOME", "HOSTNAME", "PATH", "KUBERNETES_SERVICE_HOST"} - {"KUBERNETES_SERVICE_HOST"}
    assert int(lines[1]) == 4  # 0, 1, 2 and the listed directory itself
    assert lines[2] == "0022"
    assert [line.split()[1].strip("0") for line in lines[4:6]] == ["", ""]


async def test_users_groups_and_privileges(stage: Stage) -> None:
    """runAsUser, runAsGroup, fsGroup, supplementalGroups; default capabilities, none for users; no new privileges."""
    if stage.cluster.tier != "A":
        pytest.skip(f"tier {stage.cluster.tier}: real users need root")
    inner = {"runAsUser": 1234, "runAsGroup": 2345}
    context = {"fsGroup": 3456, "supplementalGroups": [4567]}
    script = "id -u; id -g; id -G; stat -c '%g %a' /data; touch /data/mine; stat -c '%u %g' /data/mine"
    script += "; grep -E 'CapEff|NoNewPrivs' /proc/self/status | awk '{print $2}'"
    volumes = [{"name": "data", "emptyDir": {}}]
    mounts = [{"name": "data", "mountPath": "/data"}]
    container = printing(script, securityContext=inner, volumeMounts=mounts)
    lines = (await output(stage, pod("user", container, securityContext=context, volumes=volumes))).splitlines()
    assert lines[:2] == ["1234", "2345"]
    assert set(lines[2].split()) == {"2345", "3456", "4567"}
    assert lines[3] == "3456 2777"
    assert lines[4] == "1234 3456"
    assert int(lines[5], 16) == 0
    status = stage.pod("user")["status"]["containerStatuses"][0]
    assert status["user"] == {"linux": {"uid": 1234, "gid": 2345, "supplementalGroups": [2345, 3456, 4567]}}
    root = "grep -E 'CapEff|NoNewPrivs' /proc/self/status | awk '{print $2}'"
    lines = (await output(stage, pod("root", printing(root)))).splitlines()
    assert int(lines[0], 16) == 0xA80425FB  # the default of container runtimes
    tight = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}
    lines = (await output(stage, pod("tight", printing(root, securityContext=tight)))).splitlines()
    assert (int(lines[0], 16), lines[1]) == (1 << 10, "1")


async def test_the_machine_is_out_of_reach(stage: Stage) -> None:
    """/proc is masked, /sys and /proc/sys are read-only, a read-only root is one, the machine's processes unseen."""
    script = """
    cat /proc/kcore 2>/dev/null | head -c1 | wc -c
    (echo 1 >/proc/sys/kernel/domainname) 2>/dev/null || echo proc read-only
    (echo 1 >/sys/kernel/mm/x) 2>/dev/null || echo sys read-only
    (touch /file) 2>/dev/null || echo root read-only
    touch /dev/shm/x && echo shm
    ls -d /proc/[0-9]* | wc -l
    test -e /etc/shadow || echo no shadow
    """
    secured = printing(script, securityContext={"readOnlyRootFilesystem": True})
    lines = (await output(stage, pod("masked", secured))).splitlines()
    assert lines[:5] == ["0", "proc read-only", "sys read-only", "root read-only", "shm"]
    assert int(lines[5]) <= 4
    assert lines[6] == "no shadow"


async def test_a_container_above_its_memory_limit_is_oom_killed(stage: Stage) -> None:
    """OOMKilled with 137, and the machine is well."""
    if stage.cluster.link is None or "memory" not in stage.cluster.link.limits:
        pytest.skip("no memory control group here")
    eats = {
        "name": "main",
        "image": "host",
        "command": ["python3", "-S", "-c", "x = b'x' * (300 << 20); print(len(x))"],
    }
    await stage.apply(pod("hungry", {**eats, "resources": {"limits": {"memory": "32Mi"}}}, restartPolicy="Never"))
    assert (await stage.ended("hungry"))["status"]["phase"] == "Failed"
    end = stage.container("hungry")["state"]["terminated"]
    assert (end["reason"], end["exitCode"]) == ("OOMKilled", 137)


async def test_shared_and_own_namespaces(stage: Stage) -> None:
    """Containers share address, host name and IPC; processes only with shareProcessNamespace."""
    second = shell("echo from-second >/dev/shm/word; exec sleep 1000", name="second")
    await stage.apply(
        pod("own", sleeper(), second),
        pod("shared", sleeper(), second, shareProcessNamespace=True, hostname="other", subdomain="sub"),
    )
    await stage.ready("own", "shared")

    async def has_word(pod: str) -> bool:
        return await stage.exec(pod, "cat", "/dev/shm/word") == (0, "from-second\n")

    sees = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"
    assert "sleep 1000 sleep" not in (own := (await stage.exec("own", "sh", "-c", sees))[1])
    assert own.startswith("/bin/sh -c trap")
    shared = (await stage.exec("shared", "sh", "-c", sees))[1]
    assert not shared.startswith("/bin/sh -c trap")
    assert "trap 'exit 0'" in shared
    for name in ("own", "shared"):
        await eventually(lambda name=name: has_word(name))  # type: ignore[misc]
    assert await stage.exec("own", "hostname") == (0, "own\n")
    assert await stage.exec("shared", "hostname") == (0, "other\n")
    hosts = (await stage.exec("shared", "cat", "/etc/hosts"))[1]
    address = stage.pod("shared")["status"]["podIP"]
    assert f"{address}\tother.sub.default.svc.cluster.local\tother" in hosts
    assert "127.0.0.1\tlocalhost" in hosts


async def test_host_aliases_reach_etc_hosts(stage: Stage) -> None:
    """hostAliases stand in /etc/hosts."""
    aliases = [{"ip": "192.0.2.7", "hostnames": ["old.example", "older.example"]}]
    await stage.apply(pod("web", hostAliases=aliases))
    await stage.ready("web")
    assert "192.0.2.7\told.example\tolder.example" in (await stage.exec("web", "cat", "/etc/hosts"))[1]


async def test_exec_has_the_containers_world(stage: Stage) -> None:
    """Environment, directory, exit code; a command that is not there."""
    await stage.apply(pod("web", sleeper(env=[{"name": "A", "value": "b"}], workingDir="/tmp")))
    await stage.ready("web")
    assert await stage.exec("web", "sh", "-c", "echo $A; pwd; exit 42") == (42, "b\n/tmp\n")
