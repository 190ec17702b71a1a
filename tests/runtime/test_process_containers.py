"""What a container of a process node may do, sees and is limited to, where it differs from other runtimes."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
import trio

from kube_actors.node.runtime.agent_link import Tier
from kube_actors.node.runtime.base import (
    EmptyDirVolume,
    File,
    FilesVolume,
    HostPathVolume,
    Image,
    ImageKind,
    Mount,
    Resources,
    RuntimeFailure,
    Security,
    Volume,
)
from kube_actors.plan.container_user import User

from .contract import HOST_IMAGE, Does, collect, eventually, log_lines, log_text
from .process_stage import ProcessStage, is_running, opened


@pytest.fixture
async def root(tmp_path: Path) -> AsyncIterator[ProcessStage]:
    """A node in tier A."""
    async with opened("A", tmp_path) as stage:
        yield stage


@pytest.fixture(params=["A", "B"])
async def isolated(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ProcessStage]:
    """A node in the tiers whose containers have files of their own."""
    tier: Tier = request.param
    async with opened(tier, tmp_path) as stage:
        yield stage


@pytest.fixture(params=["A", "B", "C"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ProcessStage]:
    """A node in every tier."""
    tier: Tier = request.param
    async with opened(tier, tmp_path) as stage:
        yield stage


async def with_volumes(stage: ProcessStage, *volumes: Volume) -> None:
    """The pod u-1 with volumes."""
    await stage.runtime.create_sandbox(attrs.evolve(stage.sandbox(), volumes=volumes))


# --- files


async def test_the_machines_secrets_are_not_there(isolated: ProcessStage) -> None:
    """Programs yes; shadow, keys, homes, sockets and the machine's processes no."""
    script = (
        "ls /etc/shadow /etc/ssh /home/* ~root/.ssh /var/run/docker.sock 2>/dev/null; ls /run /tmp; ls /usr/bin/env"
    )
    assert (await isolated.output(script)).split() == ["/run:", "lock", "/tmp:", "/usr/bin/env"]


async def test_the_machines_files_cannot_be_changed(isolated: ProcessStage) -> None:
    """/usr is read-only, the root is the container's own, and gone with it."""
    script = "touch /usr/mark 2>/dev/null && echo usr; touch /etc/mark && ls /etc/mark"
    assert await isolated.output(script) == "/etc/mark\n"
    assert await isolated.output("ls /etc/mark", name="second") == ""
    assert "mark" not in os.listdir("/etc")


async def test_a_read_only_root(isolated: ProcessStage) -> None:
    """Nothing can be written but volumes and tmpfs."""
    await with_volumes(isolated, EmptyDirVolume("data"))
    script = "touch /x 2>/dev/null && echo root; touch /data/x && echo data; touch /tmp/x && echo tmp"
    security = Security(read_only_root_filesystem=True)
    text = await isolated.output(script, security=security, mounts=(Mount("data", "/data"),))
    assert text == "data\ntmp\n"


async def test_masked_and_read_only_kernel_files(isolated: ProcessStage) -> None:
    """The kernel's memory, keys and switches are out of reach."""
    script = "wc -c < /proc/keys; (echo 1 > /proc/sys/vm/swappiness) 2>/dev/null && echo sysctl; touch /sys/x 2>&1"
    text = await isolated.output(script)
    assert text.startswith("0\n")
    assert "sysctl" not in text


async def test_an_unpacked_root_filesystem(isolated: ProcessStage, tmp_path: Path) -> None:
    """A directory as image: it stays as it was, whatever a container writes; `files` are laid over it."""
    rootfs = tmp_path / "rootfs"
    (rootfs / "etc").mkdir(parents=True)
    for name in ("lib", "lib64", "bin"):
        (rootfs / name).symlink_to(f"usr/{name}")
    (rootfs / "evil").symlink_to(tmp_path)
    image = Image("mine", ImageKind.ROOTFS, rootfs=str(rootfs), files=(("/etc/motd", "hello"),), binds=("/usr",))
    await with_volumes(isolated, EmptyDirVolume("data"))
    script = "cat /etc/motd; echo new > /etc/new; ls /etc/shadow 2>/dev/null; touch /evil/mark && echo inside"
    text = await isolated.output(script, image=image, mounts=(Mount("data", "/evil"),))
    assert text == "helloinside\n"
    assert not (rootfs / "etc/new").exists()
    assert not (tmp_path / "mark").exists()


async def test_sub_paths_stay_in_the_volume(isolated: ProcessStage, tmp_path: Path) -> None:
    """A missing one is made; one that leads out through a link is refused by name."""
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o777)
    (shared / "out").symlink_to("/etc")
    await with_volumes(isolated, HostPathVolume("shared", str(shared), "Directory"))
    await isolated.output("echo x > /data/f", mounts=(Mount("shared", "/data", sub_path="a/b"),))
    assert (shared / "a/b/f").read_text() == "x\n"
    with pytest.raises(RuntimeFailure, match=r"'out'.*leads out of the volume"):
        await isolated.run("true", name="second", mounts=(Mount("shared", "/data", sub_path="out"),))


async def test_host_paths_are_what_they_should_be(isolated: ProcessStage, tmp_path: Path) -> None:
    """The type is checked, in words that name the path."""
    (tmp_path / "file").write_text("")
    for path, kind, words in (
        (tmp_path / "file", "Directory", "is not a directory"),
        (tmp_path / "nothing", "File", "is not a file"),
        (tmp_path / "file", "Socket", "is not a socket"),
    ):
        with pytest.raises(RuntimeFailure, match=f"hostPath type check failed: {path} {words}") as failed:
            await with_volumes(isolated, HostPathVolume("v", str(path), kind))
        assert failed.value.reason == "FailedMount"
    await with_volumes(isolated, HostPathVolume("v", str(tmp_path / "made"), "DirectoryOrCreate"))
    assert (tmp_path / "made").is_dir()


async def test_files_volumes_are_read_only_and_keep_modes(isolated: ProcessStage) -> None:
    """configMap and secret content cannot be written by the container; nested paths work."""
    files = FilesVolume("conf", (File("dir/a", b"A", 0o400), File("b", b"B")))
    await with_volumes(isolated, files)
    script = "cat /conf/dir/a /conf/b; stat -L -c %a /conf/dir/a; touch /conf/x 2>/dev/null || echo read-only"
    assert await isolated.output(script, mounts=(Mount("conf", "/conf"),)) == "AB400\nread-only\n"


async def test_memory_volumes_have_their_size(isolated: ProcessStage) -> None:
    """An emptyDir in memory takes no more than its sizeLimit, and is one for the pod's containers."""
    await with_volumes(isolated, EmptyDirVolume("m", memory=True, size_limit=1 << 20))
    mounts = (Mount("m", "/m"),)
    script = "head -c 3000000 /dev/zero > /m/x; wc -c < /m/x"
    assert await isolated.output(script, mounts=mounts) == f"{1 << 20}\n"
    assert await isolated.output("wc -c < /m/x", mounts=mounts, name="second") == f"{1 << 20}\n"


async def test_the_termination_message(isolated: ProcessStage) -> None:
    """What the program leaves at its path comes with the exit, the last 4096 bytes."""
    spec = await isolated.run(
        "head -c 5000 /dev/zero | tr '\\0' x > /msg; echo end >> /msg", termination_message_path="/msg"
    )
    exited = await isolated.next_exit()
    assert (exited.id, len(exited.message), exited.message[-4:]) == (spec.id, 4096, "end\n")


# --- who


async def test_users_groups_and_capabilities(root: ProcessStage) -> None:
    """The default capabilities, those added and dropped; other users have none; who may gain privileges."""
    show = "id -u; id -g; id -G; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status | cut -f2"
    assert (await root.output(show)).split() == ["0", "0", "0", *["00000000a80425fb"] * 2, "0"]
    who = Security(run_as_user=1000, run_as_group=2000, supplemental_groups=(3000,))
    security = attrs.evolve(who, capabilities_drop=("ALL",), allow_privilege_escalation=False)
    text = await root.output(show, security=security, name="user")
    assert text.split() == ["1000", "2000", "2000", "3000", *["0000000000000000"] * 2, "1"]
    security = Security(capabilities_add=("NET_ADMIN",), capabilities_drop=("CAP_CHOWN",))
    text = await root.output(show, security=security, name="added")
    assert text.split()[3] == "00000000a80435fa"


async def test_a_user_of_the_image(root: ProcessStage) -> None:
    """By name from its /etc/passwd, with home directory; one that is not there is refused by name."""
    image = attrs.evolve(HOST_IMAGE, user="nobody")
    assert await root.output("id -un; echo $HOME", image=image) == "nobody\n/nonexistent\n"
    with pytest.raises(RuntimeFailure, match="unable to find user stranger"):
        await root.run("true", name="second", image=attrs.evolve(HOST_IMAGE, user="stranger"))


async def test_groups_of_the_image(root: ProcessStage) -> None:
    """What its /etc/group gives the user counts unless that is not wanted; either way it is told who began."""
    files = (("/etc/passwd", "alice:x:1000:1000::/:/bin/sh\n"), ("/etc/group", "staff:x:50000:alice\n"))
    image = attrs.evolve(HOST_IMAGE, files=files)
    for name, merged, groups in (("merge", True, (1000, 50000, 60000)), ("strict", False, (1000, 60000))):
        security = Security(run_as_user=1000, supplemental_groups=(60000,), image_groups=merged)
        text = await root.output("id -G", name=name, image=image, security=security)
        assert text.split() == list(map(str, groups))
        found = (await root.runtime.adopt())[0].containers
        assert [each.user for each in found if each.id.name == name] == [User(1000, 1000, groups)]


async def test_any_user_without_root(tmp_path: Path) -> None:
    """In tier B a container runs as the number it asks for, in exec too."""
    async with opened("B", tmp_path) as stage:
        spec = await stage.run("id -u; sleep 100", security=Security(run_as_user=1234))
        session = await stage.runtime.exec(spec.id, ("id", "-u"))
        assert await collect(session.output()) == {1: b"1234\n"}
        await session.aclose()


async def test_an_exec_is_the_container(isolated: ProcessStage) -> None:
    """Same user, capabilities, directory, processes and network."""
    look = "id -u; pwd; grep CapEff /proc/self/status; readlink /proc/self/ns/net /proc/self/ns/pid /proc/self/ns/uts"
    spec = await isolated.run(f"{look}; sleep 100", working_dir="/srv", security=Security(capabilities_drop=("KILL",)))
    session = await isolated.runtime.exec(spec.id, ("/bin/sh", "-c", look))
    output = (await collect(session.output()))[1].decode()

    async def whole() -> bool:
        return log_text(spec) == output

    await eventually(whole)
    await session.aclose()


# --- limits


async def test_out_of_memory(root: ProcessStage) -> None:
    """A container over its limit is killed and says why."""
    if "memory" not in root.link.limits:
        pytest.skip("no memory controller here")
    spec = await root.run("exec python3 -c 'bytearray(200 << 20)'", resources=Resources(memory_limit=32 << 20))
    exited = await root.next_exit()
    assert (exited.id, exited.exit_code, exited.oom_killed) == (spec.id, 137, True)


async def test_a_limit_changes_in_place(root: ProcessStage) -> None:
    """Raised, it lets the program take more; it cannot be set below what is used already."""
    if "memory" not in root.link.limits:
        pytest.skip("no memory controller here")
    script = "exec python3 -c 'import sys; print(1, flush=True); input(); x = bytearray(100 << 20); print(2)'"
    spec = await root.run(script, resources=Resources(memory_limit=64 << 20), stdin=True)

    async def up() -> bool:
        return log_text(spec) == "1\n"

    await eventually(up)
    with pytest.raises(RuntimeFailure, match="below current usage"):
        await root.runtime.update_resources(spec.id, Resources(memory_limit=1 << 12))
    await root.runtime.update_resources(spec.id, Resources(memory_limit=256 << 20))
    session = await root.runtime.attach(spec.id, stdin=True)
    await session.send_stdin(b"\n")
    await collect(session.output())
    await session.aclose()
    exited = await root.next_exit()
    assert (exited.exit_code, log_text(spec)) == (0, "1\n2\n")


async def test_a_limit_can_be_added(root: ProcessStage) -> None:
    """To a container that had none: its processes move into the group."""
    if "memory" not in root.link.limits:
        pytest.skip("no memory controller here")
    spec = await root.run("read x; exec python3 -c 'bytearray(200 << 20)'", stdin=True)
    await root.runtime.update_resources(spec.id, Resources(memory_limit=32 << 20))
    session = await root.runtime.attach(spec.id, stdin=True)
    await session.send_stdin(b"\n")
    exited = await root.next_exit()
    await session.aclose()
    assert (exited.exit_code, exited.oom_killed) == (137, True)


async def test_a_pod_as_a_whole_can_be_limited(root: ProcessStage) -> None:
    """A container without a limit of its own lives within its pod's, which can change while it runs."""
    if "memory" not in root.link.limits:
        pytest.skip("no memory controller here")
    spec = await root.run("read x; exec python3 -c 'bytearray(200 << 20)'", stdin=True)
    await root.runtime.update_resources(spec.id, Resources(), Resources(memory_limit=32 << 20))
    session = await root.runtime.attach(spec.id, stdin=True)
    await session.send_stdin(b"\n")
    assert (await root.next_exit()).exit_code == 137
    await session.aclose()


async def test_processes_of_another_container(isolated: ProcessStage) -> None:
    """Who debugs a container sees its processes, in its own files; a target that does not run is named."""
    await isolated.run("exec sleep 1234", name="main")
    output = await isolated.output("tr '\\0' ' ' < /proc/1/cmdline", name="debug", processes_of="main")
    assert output == "sleep 1234 "
    with pytest.raises(RuntimeFailure, match='target container "gone" is not running'):
        await isolated.run("true", name="other", processes_of="gone")


@pytest.mark.parametrize("tier", ["B", "C"])
async def test_memory_without_groups(tier: Tier, tmp_path: Path) -> None:
    """Where nothing counts a container's memory, each of its processes is refused more than the limit."""
    async with opened(tier, tmp_path) as stage:
        await with_volumes(stage)
        spec = await stage.run("exec python3 -c 'bytearray(200 << 20)'", resources=Resources(memory_limit=64 << 20))
        exited = await stage.next_exit()
        assert exited.exit_code == 1
        assert any("MemoryError" in text for stream, _, text in log_lines(spec) if stream == "stderr")


async def test_cpu_and_process_limits(root: ProcessStage) -> None:
    """A tenth of a core is a tenth of a core; forks beyond the limit fail; nothing of the groups stays."""
    if not {"cpu", "pids"} <= root.link.limits:
        pytest.skip("no cpu or pids controller here")
    burn = "import time\nw = time.time()\nwhile time.time() - w < 0.5: pass\nprint(time.process_time())"
    text = await root.output(f"exec python3 -c '{burn}'", resources=Resources(cpu_limit_milli=100))
    assert float(text) < 0.2
    script = "for i in 1 2 3 4 5 6 7 8 9; do sleep 100 & done; wait; echo done"
    spec = await root.run(script, resources=Resources(pids_limit=4), name="forks")
    await root.next_exit()
    assert any("fork" in text for stream, _, text in log_lines(spec) if stream == "stderr")


async def test_what_a_tier_cannot_do_is_named(tmp_path: Path) -> None:
    """Refused where it would change meaning or security, listed where it is only left out."""
    async with opened("C", tmp_path) as stage:
        runtime = stage.runtime
        await with_volumes(stage, EmptyDirVolume("data"))
        for changes, word in (
            ({"mounts": (Mount("data", "/data"),)}, r"volumeMounts\[/data\]"),
            ({"security": Security(run_as_user=12345)}, "runAsUser|run_as_user"),
            ({"security": Security(privileged=True)}, "privileged"),
            ({"security": Security(read_only_root_filesystem=True)}, "readOnlyRootFilesystem"),
        ):
            with pytest.raises(RuntimeFailure, match=word):
                await stage.run("true", **changes)
        spec = attrs.evolve(stage.container(Does()), resources=Resources(memory_limit=1, cpu_limit_milli=1))
        memory = "resources.limits.memory (kept for each process alone)"
        assert runtime.unhonoured(spec) == (memory, "resources.limits.cpu", "terminationMessagePath")


# --- processes


async def test_daemons_end_with_their_container(stage: ProcessStage) -> None:
    """Double forks and sessions of their own do not get away, in no tier."""
    mark = f"987{os.getpid()}"
    spec = await stage.run(
        f"(setsid setsid sleep {mark} &) ; (setsid sh -c 'sleep {mark} & wait' &) ; sleep 0.1; exit 4"
    )
    assert (await stage.next_exit()).exit_code == 4
    assert not processes_with(mark)
    await stage.runtime.remove_container(spec.id)


async def test_kill_reaches_everything(stage: ProcessStage) -> None:
    """SIGKILL ends daemons of a container that will not stop."""
    mark = f"986{os.getpid()}"
    spec = await stage.run(f"trap '' TERM; (setsid sleep {mark} &) ; echo up; while :; do sleep 0.05; done")
    await stage.runtime.signal_container(spec.id, signal.SIGKILL, everything=True)
    await stage.next_exit()
    assert not processes_with(mark)


async def test_containers_that_share_processes(isolated: ProcessStage) -> None:
    """They see each other, each ends alone, and all end with the pod."""
    await isolated.runtime.create_sandbox(attrs.evolve(isolated.sandbox(), share_process_namespace=True))
    mark = f"985{os.getpid()}"
    first = await isolated.run(f"(setsid sleep {mark} &) ; sleep {mark}")
    commands = "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; echo; done 2>/dev/null"
    count = f"$({commands} | grep -cx 'sleep {mark} ')"
    assert await isolated.output(f"until [ {count} = 2 ]; do sleep 0.1; done; echo both", name="second") == "both\n"
    await isolated.runtime.signal_container(first.id, signal.SIGKILL)
    assert (await isolated.next_exit()).id == first.id
    assert not processes_with(mark)
    await isolated.run("sleep 1000", name="third")
    (sandbox,) = await isolated.runtime.adopt()
    third = next(c.pid for c in sandbox.containers if c.id.name == "third")
    await isolated.runtime.remove_sandbox("u-1")
    assert not is_running(third)


async def test_host_pid_sees_the_machine(root: ProcessStage) -> None:
    """With hostPID the machine's processes are visible; its daemons still end with it."""
    await root.runtime.create_sandbox(attrs.evolve(root.sandbox(), host_pid=True))
    mark = f"984{os.getpid()}"
    text = await root.output(f"(setsid sleep {mark} &) ; ls /proc | grep -x {os.getpid()}")
    assert text == f"{os.getpid()}\n"
    assert not processes_with(mark)


async def test_a_terminal(isolated: ProcessStage) -> None:
    """A container with tty has one, and its output is logged."""
    text = await isolated.output("tty; test -t 0 && echo yes", tty=True)
    assert text.replace("\r", "") == "/dev/pts/0\nyes\n"


async def test_stdin_stays_open(stage: ProcessStage) -> None:
    """A container that asks for stdin does not read an end of file."""
    await stage.run("read line; exit 1", stdin=True)
    with trio.move_on_after(0.2):
        event = await stage.runtime.events().receive()
        pytest.fail(f"ended: {event}")


# --- logs


async def test_a_flood_and_a_giant_line(stage: ProcessStage) -> None:
    """A 20 MB line is cut into parts, rotation holds, and others are served meanwhile."""
    flood = "exec python3 -c \"import os; d = b'x' * (1 << 20); [os.write(1, d) for _ in range(20)]\""
    big = await stage.run(flood, name="big", log_max_size=1 << 20, log_max_files=3)
    small = await stage.run("echo quick", name="small")
    over = {(await stage.next_exit()).id for _ in range(2)}
    assert over == {big.id, small.id}
    assert log_text(small) == "quick\n"
    files = sorted(Path(big.log_path).parent.glob(Path(big.log_path).name + "*"))
    assert [file.name.removeprefix(Path(big.log_path).name) for file in files] == ["", ".1", ".2"]
    assert all(file.stat().st_size <= 2 << 20 for file in files)
    lengths = {len(text) for _, tag, text in log_lines(big) if tag == "P"}
    assert lengths == {16384}


def capabilities(pid: int) -> str:
    """A process's permitted capabilities, as the kernel writes them."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line for line in lines if line.startswith("CapPrm"))


def processes_with(mark: str) -> list[int]:
    """Running processes with a word in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and is_running(int(entry.name)):
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in command.split(b"\0"):
                found.append(int(entry.name))
    return found


async def test_a_privileged_container(root: ProcessStage) -> None:
    """All capabilities of the machine's root, its devices, and kernel files that can be written."""
    own = root.link.agent_pid
    look = "ls /dev/kmsg /dev/pts/ptmx; test -w /proc/sys/vm/swappiness && echo writable"
    text = await root.output(f"grep CapPrm /proc/self/status; {look}", security=Security(privileged=True))
    assert text == f"{capabilities(own)}\n/dev/kmsg\n/dev/pts/ptmx\nwritable\n"


async def test_read_only_mounts(isolated: ProcessStage) -> None:
    """A volume mounted read-only in one container is written by another."""
    await with_volumes(isolated, EmptyDirVolume("data"))
    await isolated.output("echo x > /data/x", mounts=(Mount("data", "/data"),))
    script = "cat /data/x; touch /data/y 2>/dev/null || echo read-only"
    text = await isolated.output(script, name="second", mounts=(Mount("data", "/data", read_only=True),))
    assert text == "x\nread-only\n"
