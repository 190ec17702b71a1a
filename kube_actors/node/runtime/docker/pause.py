"""The program and image that hold a pod's namespaces open. Written here byte by byte: no registry, compiler or shell is
needed, and the image is 200 bytes.
"""

from __future__ import annotations

import io
import struct
import tarfile

PAUSE_IMAGE = "kube-actors/pause:1"

_LOAD_ADDRESS = 0x400000
_HEADERS = 64 + 56

_CODE = {
    # mov eax, 34 (pause); syscall; jump back
    "x86_64": (62, bytes.fromhex("b8220000000f05ebf7")),
    # ppoll(NULL, 0, NULL, NULL, 0) for ever: x0..x4 = 0, x8 = 73, svc, branch back
    "aarch64": (
        183,
        struct.pack("<8I", *(0xD2800000 + n for n in range(5)), 0xD2800928, 0xD4000001, 0x17FFFFF9),
    ),
}


def pause_program(architecture: str) -> bytes:
    """A static ELF program that sleeps for ever. KeyError when the architecture is neither x86_64 nor aarch64."""
    machine, code = _CODE[architecture]
    size = _HEADERS + len(code)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01" + bytes(9),
        2,  # executable
        machine,
        1,
        _LOAD_ADDRESS + _HEADERS,
        64,
        0,
        0,
        64,
        56,
        1,
        0,
        0,
        0,
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _LOAD_ADDRESS, _LOAD_ADDRESS, size, size, 0x1000)
    return header + segment + code


def pause_archive(architecture: str) -> bytes:
    """A tar of an image's root with `/pause`."""
    program = pause_program(architecture)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("pause")
        entry.size, entry.mode = len(program), 0o755
        archive.addfile(entry, io.BytesIO(program))
    return buffer.getvalue()
