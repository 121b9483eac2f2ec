"""The guard of the suite itself: what leaves loopback is refused, what stays is not."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import conftest
import pytest

if TYPE_CHECKING:
    from pathlib import Path

ELSEWHERE = ("192.0.2.1", 9)  # TEST-NET-1 of RFC 5737: nobody is there


def test_a_connection_to_another_machine_is_refused_before_it_is_made(expected_escape: list[str]) -> None:
    with socket.socket() as outgoing, pytest.raises(PermissionError, match="never leave loopback"):
        outgoing.connect(ELSEWHERE)


def test_a_datagram_to_another_machine_is_refused(expected_escape: list[str]) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as outgoing, pytest.raises(PermissionError):
        outgoing.sendto(b"tick", ELSEWHERE)


def test_a_name_look_up_is_refused(expected_escape: list[str]) -> None:
    with pytest.raises(PermissionError):
        socket.getaddrinfo("venue.invalid", 443)


def test_a_listener_on_all_addresses_is_refused(expected_escape: list[str]) -> None:
    with socket.socket() as listener, pytest.raises(PermissionError):
        listener.bind(("0.0.0.0", 0))  # noqa: S104 - the point of the test


def test_loopback_is_open() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname(), timeout=5) as outgoing,
    ):
        assert outgoing.getpeername() == listener.getsockname()
    assert conftest.stays_here("::1")
    assert conftest.stays_here("localhost")
    assert not conftest.stays_here("127.0.0.1.example")
    assert not conftest.stays_here("0.0.0.0")  # noqa: S104 - what must be refused


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "xdist"])
def test_a_swallowed_escape_fails_the_run(tmp_path: Path, workers: list[str]) -> None:
    """A suite that swallows the error in a thread, outside of any test, must fail and name the address."""
    if workers:
        pytest.importorskip("xdist")
    (tmp_path / "conftest.py").write_text((conftest.ROOT / "tests_py" / "conftest.py").read_text(encoding="utf-8"))
    (tmp_path / "test_quiet.py").write_text(
        "import contextlib, socket, threading\n"
        "def reach():\n"
        "    with contextlib.suppress(OSError), socket.socket() as out:\n"
        "        out.connect(('192.0.2.1', 9))\n"
        "one = threading.Thread(target=reach)\n"
        "one.start()\n"
        "one.join()\n"
        "def test_quiet():\n"
        "    pass\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    data: x\n    long: x\n")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", *workers, "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "LEFT LOOPBACK: socket.connect to '192.0.2.1'" in done.stderr
