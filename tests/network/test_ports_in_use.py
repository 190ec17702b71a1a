"""Finding out who holds a port."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kube_actors.network.ports_in_use import PortHolder, port_holder
from kube_actors.network.proxy import bind_tcp


def test_the_listening_process_is_named() -> None:
    """Pid and name; a port that is only bound, or free again, has no holder."""
    with bind_tcp("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
        assert port_holder(port) is None
        sock.listen()
        name = Path(f"/proc/{os.getpid()}/comm").read_text().strip()
        assert port_holder(port) == PortHolder(port, os.getpid(), name)
        assert str(port_holder(port)) == f"{name} (pid {os.getpid()})"
    assert port_holder(port) is None


@pytest.mark.parametrize("table", ["tcp", "tcp6"])
def test_a_holder_we_may_not_look_into_is_still_reported(tmp_path: Path, table: str) -> None:
    """Another user's process: known to exist, not by name."""
    (tmp_path / "net").mkdir()
    address = "00000000" if table == "tcp" else "0" * 32
    line = f"   0: {address}:1F90 {address}:0000 0A 00000000:00000000 00:00000000 00000000  0  0 4711 1\n"
    (tmp_path / "net" / table).write_text("  sl  local_address rem_address   st\n" + line)
    assert port_holder(8080, proc=tmp_path) == PortHolder(8080)
    assert str(port_holder(8080, proc=tmp_path)) == "another user's process"
    assert port_holder(8081, proc=tmp_path) is None
