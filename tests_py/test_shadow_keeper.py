"""The keeper itself: it tells how the worker ended, and kills it when the program says so, closes its end, or dies."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import exuvia
import pytest
from exuvia.migrate.shadow import fence, keeper, protocol

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "fork"), reason="needs fork and SIGKILL"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]
ROOT = str(Path(exuvia.__file__).resolve().parent.parent)
LONG_S = 60


@pytest.fixture
def way() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The program's end and the keeper's."""
    here, there = socket.socketpair()
    here.settimeout(LONG_S)
    with here, there:
        yield here, there


def begun(script: str) -> int:
    """A child that runs a shell script."""
    return os.posix_spawn("/bin/sh", ["sh", "-c", script], os.environ)


def ended_program() -> int:
    """The process id of a program that is gone."""
    pid = begun("exit 0")
    os.waitpid(pid, 0)
    return pid


def in_a_child(work: Callable[[], object]) -> int:
    """Do something in a forked child, which never returns from here; its process id."""
    pid = os.fork()
    if not pid:
        code = 70
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return pid


def exit_of(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kept(worker: int, end: socket.socket, program: int, witness: int = -1) -> int:
    return os.waitstatus_to_exitcode(keeper.keep(worker, end.fileno(), witness, program))


def said(end: socket.socket) -> list[str]:
    """All that was told until the other end was closed."""
    told = b""
    while part := end.recv(1000):
        told += part
    return told.decode().split()


@pytest.mark.parametrize("has_pidfd", [True, False])
def test_a_keeper_tells_how_its_worker_ended(
    way: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch, *, has_pidfd: bool
) -> None:
    if not has_pidfd:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    assert kept(begun("exit 3"), way[1], os.getpid()) == 3
    assert kept(begun("kill -TERM $$"), way[1], os.getpid()) == -signal.SIGTERM


def test_a_word_from_the_program_ends_its_worker(way: tuple[socket.socket, socket.socket]) -> None:
    way[0].send(b"x")
    assert kept(begun(f"exec sleep {LONG_S}"), way[1], os.getpid()) == -signal.SIGKILL


def test_the_end_of_the_way_ends_the_worker(way: tuple[socket.socket, socket.socket]) -> None:
    way[0].close()
    assert kept(begun(f"exec sleep {LONG_S}"), way[1], os.getpid()) == -signal.SIGKILL


def test_a_worker_whose_program_is_gone_is_killed_without_a_witness(
    way: tuple[socket.socket, socket.socket],
) -> None:
    assert kept(begun(f"exec sleep {LONG_S}"), way[1], ended_program()) == -signal.SIGKILL


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this system has no descriptors of processes")
def test_a_worker_whose_program_ends_is_killed_when_the_witness_says_so(
    way: tuple[socket.socket, socket.socket],
) -> None:
    program = begun("exit 0")
    witness = os.pidfd_open(program)
    try:
        # It says so while the program is not yet waited for, and would count as living.
        assert select.select([witness], [], [], LONG_S)[0] == [witness]
        assert kept(begun(f"exec sleep {LONG_S}"), way[1], program, witness) == -signal.SIGKILL
    finally:
        os.close(witness)
        os.waitpid(program, 0)


def test_a_program_of_another_user_lives_and_one_that_is_gone_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert keeper._lives(os.getpid())
    assert not keeper._lives(ended_program())

    def forbidden(*_: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "kill", forbidden)
    assert keeper._lives(os.getpid())


def test_the_worker_s_folder_is_its_own_and_stands_where_temporary_files_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    monkeypatch.setenv("TEMP", str(tmp_path))
    one, other = Path(keeper._private()), Path(keeper._private())
    assert one != other
    assert {one.parent, other.parent} == {tmp_path}
    assert stat.S_IMODE(one.stat().st_mode) == 0o700


def test_where_no_folder_can_be_made_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "mkdir", full)
    assert keeper._private() == ""


def test_a_keeper_that_splits_off_is_no_child_of_the_program(way: tuple[socket.socket, socket.socket]) -> None:
    here, there = way
    program = os.getpid()

    def split() -> None:
        middle = os.getpid()
        keeper._apart()
        there.send(f"{os.getpid() not in (middle, program)}\n".encode())

    middle = in_a_child(split)
    there.close()
    assert exit_of(middle) == 0
    assert said(here) == ["True"]


@pytest.mark.parametrize("seen", [True, False])
def test_a_worker_that_is_asked_nothing_more_ends_and_its_folder_goes_with_it(
    way: tuple[socket.socket, socket.socket], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, seen: bool
) -> None:
    if seen and not hasattr(os, "pidfd_open"):
        pytest.skip("this system has no descriptors of processes")
    # Without it a worker ends at once, and runs nothing that was left for an exit.
    monkeypatch.delenv(fence.MAY_WRITE, raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    here, there = way
    program = os.getpid()
    commands, ours = os.pipe()
    with tempfile.TemporaryFile() as file:
        file.truncate(protocol.PAGE_BYTES)
        page = os.dup(file.fileno())
    witness = os.pidfd_open(program) if seen else -1

    def split() -> None:
        here.close()
        os.close(ours)
        os.dup2(commands, 0)
        os.close(commands)
        keeper.main(ROOT, program, [there.fileno(), page, witness])

    child = in_a_child(split)
    try:
        there.close()
        words: list[str] = []
        while len(words) < 2:
            words += here.recv(1000).decode().split()
        # The keeper is this process's child here, and so is to be waited for.
        assert f"k{child}" in words
        worker = next(int(word[1:]) for word in words if word[0] == "p")
        assert worker not in (child, program)
        os.close(ours)
        ours = -1
        assert [*words, *said(here)][2:] == ["s0"]
        assert exit_of(child) == 0
    finally:
        for number in (ours, commands, page, witness):
            with contextlib.suppress(OSError):
                os.close(number)
    assert list(tmp_path.iterdir()) == []
