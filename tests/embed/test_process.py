"""A cluster is a guest in its process: it changes nothing that is everybody's, and prints nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOOK = """
import asyncio, faulthandler, gc, locale, logging, os, signal, sys, threading, warnings

def look():
    umask = os.umask(0o077)
    os.umask(umask)
    wakeup = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakeup)
    return {
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "wakeup": wakeup,
        "mask": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "gc": (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()),
        "logging": (logging.root.handlers[:], logging.root.level, logging.root.manager.disable),
        "warnings": warnings.filters[:],
        "umask": umask,
        "directory": os.getcwd(),
        "environment": dict(os.environ),
        "path": sys.path[:],
        "hooks": (sys.excepthook, threading.excepthook, sys.unraisablehook, sys.displayhook, sys.get_asyncgen_hooks()),
        "tracing": (sys.gettrace(), sys.getprofile(), sys.getswitchinterval(), sys.getrecursionlimit()),
        "locale": locale.setlocale(locale.LC_ALL),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "policy": asyncio.get_event_loop_policy(),
        "faulthandler": faulthandler.is_enabled(),
        "nice": os.nice(0),
    }

def forked(*_):
    raise SystemExit("this process was forked")

os.register_at_fork(before=forked)
import kube_actors, trio
from kube_actors.testing.builders import deployment
from kube_actors.embed import cluster, asyncio_facade, sync_facade
before = look()

def compare(when):
    after = look()
    changed = {name for name in before if before[name] != after[name]}
    assert not changed, (when, {name: (before[name], after[name]) for name in changed})
"""

PLAIN = """
with kube_actors.run_cluster(deployment("web"), virtual=True) as c:
    c.wait("deployment/web", "Available", timeout=60)
    compare("during")
compare("after")
"""

IN_TRIO = """
async def main():
    inside = look()  # trio itself takes SIGINT in the main thread while it runs
    async with kube_actors.open_cluster(deployment("web"), virtual=True) as c:
        await c.wait("deployment/web", "Available", timeout=60)
        assert look() == inside
trio.run(main)
compare("after")
"""

IN_ASYNCIO = """
async def main():
    inside = look()
    async with kube_actors.aio.open_cluster(deployment("web"), virtual=True{guest}) as c:
        await c.wait("deployment/web", "Available", timeout=60)
        now = look()
        now["wakeup"] = inside["wakeup"]
        {hooks}
        assert now == inside
runner = asyncio.Runner()
runner.run(main())
runner.close()
compare("after")
"""

FAILING = """
class Broken(kube_actors.Scheduler):
    def filter(self, pod, node):
        raise ZeroDivisionError("a plugin's mistake")

config = kube_actors.ClusterConfig(
    nodes=(kube_actors.NodeConfig("one", runtime="simulated"),),
    schedulers=(kube_actors.SchedulerConfig("default-scheduler", plugin=Broken),),
)
records = []
handler = logging.Handler()
handler.emit = records.append
logging.getLogger("kube_actors").addHandler(handler)
logging.getLogger("kube_actors").propagate = False
with kube_actors.run_cluster([config, deployment("web")], virtual=True) as c:
    c.clock.advance(5)
assert any("ZeroDivisionError" in each.getMessage() for each in records), records
"""

CASES = {
    "plain": PLAIN,
    "trio": IN_TRIO,
    "asyncio": IN_ASYNCIO.format(guest="", hooks=""),
    # As a guest trio shares the loop's thread, and with it the one hook for generators, which it chains.
    "asyncio guest": IN_ASYNCIO.format(guest=", guest=True", hooks='now["hooks"] = inside["hooks"]'),
    "failing": FAILING,
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_process_wide_is_touched(case: str) -> None:
    """Signals, collector, logging, warnings, umask, directory, hooks: as they were. A failing actor is a record of
    `logging` and not a line on stdout."""
    command = [sys.executable, "-c", LOOK + CASES[case]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
