"""What the fence refuses and what it lets through, asked of the fence itself, without one around this process."""

from __future__ import annotations

import builtins
import ctypes
import errno
import io
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from exuvia.migrate.shadow import fence
from exuvia.migrate.shadow.fence import Fence

SAYS = "this process loads the program's modules a second time"


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    (tmp_path / "inside").mkdir()
    return tmp_path / "inside"


@pytest.fixture
def around(inside: Path, monkeypatch: pytest.MonkeyPatch) -> Fence:
    """A fence with a private folder that stands around nothing."""
    monkeypatch.delenv(fence.MAY_WRITE, raising=False)
    return Fence(str(inside))


def refused(around: Fence, event: str, *args: Any) -> str:
    """What the fence says, which it has to refuse, and has to have noted as it says it."""
    with pytest.raises(PermissionError, match=SAYS) as found:
        around.hook(event, args)
    assert found.value.errno == errno.EACCES
    text = str(found.value.strerror).removeprefix("exuvia refuses ").partition(": this process")[0]
    assert around.news() == [(f"{text} was refused", around.calling)]
    return text


def test_opening_for_writing_outside_is_refused_and_reading_is_not(around: Fence, tmp_path: Path, inside: Path) -> None:
    there = str(tmp_path / "state.txt")
    assert refused(around, "open", there, "a", 0) == f"open for writing {there!r}"
    assert refused(around, "open", there + "2", None, os.O_WRONLY | os.O_CREAT) == f"open for writing {there + '2'!r}"
    assert refused(around, "open", os.fsencode(there) + b"3", "r+", 0).endswith("state.txt3'")
    around.hook("open", (there, "rb", 0))
    around.hook("open", (there, None, os.O_RDONLY))
    around.hook("open", (there, None, None))
    around.hook("open", (str(inside / "log"), "w", 0))
    around.hook("open", (os.devnull, "w", 0))
    # A descriptor was opened by what was looked at then.
    around.hook("open", (3, "w", 0))
    assert around.news() == []


def test_every_change_of_a_file_outside_is_refused_at_either_end(around: Fence, tmp_path: Path, inside: Path) -> None:
    mine, theirs = str(inside / "own"), str(tmp_path / "theirs")
    for event, args in (
        ("os.remove", (theirs, -1)),
        ("os.rmdir", (theirs, -1)),
        ("os.rename", (theirs, mine, -1, -1)),
        ("os.link", (mine, theirs, -1, -1)),
        ("os.symlink", (mine, theirs, -1)),
        ("os.mkdir", (theirs, 0o777, -1)),
        ("os.chmod", (theirs, 0o777, -1)),
        ("os.chown", (theirs, 0, 0, -1)),
        ("os.truncate", (theirs, 0)),
        ("os.utime", (theirs, None, None, -1)),
        ("os.setxattr", (theirs, "user.a", b"", 0)),
        ("sqlite3.connect", (theirs,)),
    ):
        assert refused(around, event, *args) == f"{event} {theirs!r}"
    assert refused(around, "os.rename", mine, theirs + "2", -1, -1) == f"os.rename {theirs + '2'!r}"
    around.hook("os.rename", (mine, mine + "2", -1, -1))
    around.hook("os.remove", (mine, -1))
    around.hook("os.truncate", (7, 0))
    around.hook("sqlite3.connect", (":memory:",))
    assert around.news() == []


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux says where a descriptor leads")
def test_a_name_is_looked_up_in_the_folder_that_it_is_relative_to(
    around: Fence, tmp_path: Path, inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(inside)
    here, there = (os.open(folder, os.O_RDONLY) for folder in (inside, tmp_path))
    try:
        around.hook("os.remove", ("log", here))
        around.hook("os.remove", ("log", -1))
        assert refused(around, "os.remove", "log", there) == "os.remove 'log'"
        monkeypatch.chdir(tmp_path)
        around.hook("os.remove", ("log", here))
    finally:
        os.close(here)
        os.close(there)


def test_a_link_inside_leads_nowhere_outside(around: Fence, tmp_path: Path, inside: Path) -> None:
    (inside / "link").symlink_to(tmp_path)
    there = str(inside / "link" / "state.txt")
    assert refused(around, "os.remove", there, -1) == f"os.remove {there!r}"


def test_nothing_is_started_nobody_reached_and_no_other_process_signalled(around: Fence) -> None:
    address = ("127.0.0.1", 80)
    assert refused(around, "subprocess.Popen", "/bin/true", ["true"], None, None) == "subprocess.Popen '/bin/true'"
    assert refused(around, "os.system", b"true") == "os.system b'true'"
    assert refused(around, "socket.connect", None, address) == f"socket.connect {address!r}"
    assert refused(around, "socket.gethostbyname", "localhost") == "socket.gethostbyname 'localhost'"
    assert refused(around, "socket.sendmsg", None, address) == f"socket.sendmsg {address!r}"
    assert refused(around, "os.kill", os.getppid(), 15) == f"os.kill {os.getppid()}"
    # To itself, and over what is connected already.
    around.hook("os.kill", (os.getpid(), 15))
    around.hook("socket.sendmsg", (None, None))
    around.hook("compile", (b"", "x"))
    assert around.news() == []


def test_what_a_candidate_did_while_it_was_called_is_told_of_each_call(around: Fence) -> None:
    told = ("os.system 'true' was refused", False)
    for _ in range(2):
        around.refuse("os.system", "true")
    assert around.news() == [told]
    around.refuse("os.system", "true")
    assert around.news() == []
    for _ in range(2):
        around.calling = True
        around.refuse("os.system", "true")
        around.refuse("os.system", "true")
        around.calling = False
        assert around.news() == [(told[0], True)]


def test_what_has_no_text_is_refused_all_the_same(around: Fence) -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError("no text")

    assert refused(around, "os.system", Odd()) == "os.system (what has no text)"
    assert refused(around, "os.exec", Path("/bin/true")) == "os.exec '/bin/true'"
    assert len(refused(around, "os.system", "x" * 1000)) < 200


def opened(around: Fence, path: Path, mode: str) -> Any:
    return fence._Open(around)(path, mode, encoding="utf-8")


def test_a_file_that_is_added_to_begins_with_what_it_held_and_is_left_alone(
    around: Fence, tmp_path: Path, inside: Path
) -> None:
    state = tmp_path / "state.txt"
    state.write_text("10")
    with opened(around, state, "r+") as file:
        assert file.read() == "10"
        file.write("20")
    with opened(around, state, "r") as file:
        assert file.read() == "1020"
    assert state.read_text() == "10"
    assert [path.read_text() for path in inside.iterdir()] == ["1020"]
    assert around.news() == [(f"{state} was opened for writing: it went to a private file", False)]


def test_what_the_system_would_refuse_is_refused_in_its_words(around: Fence, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("x")
    with pytest.raises(IsADirectoryError):
        opened(around, tmp_path, "w")
    with pytest.raises(FileExistsError):
        opened(around, tmp_path / "there", "x")
    with pytest.raises(FileNotFoundError):
        opened(around, tmp_path / "missing" / "log", "w")
    with opened(around, tmp_path / "new", "x"):
        pass
    with pytest.raises(FileExistsError):
        opened(around, tmp_path / "new", "x")
    assert not (tmp_path / "new").exists()


def test_neither_a_pipe_nor_a_file_too_large_to_copy_is_opened_for_writing(
    around: Fence, tmp_path: Path, inside: Path
) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(fence.COPIED + 1)
    with pytest.raises(PermissionError, match=SAYS):
        opened(around, large, "r+")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(PermissionError, match=SAYS):
            opened(around, tmp_path / "pipe", "w")
    assert list(inside.iterdir()) == []
    # Whoever starts a file anew needs nothing of it.
    opened(around, large, "w").close()
    assert large.stat().st_size == fence.COPIED + 1


def test_multiprocessing_starts_nothing_inside_of_a_fence(around: Fence, monkeypatch: pytest.MonkeyPatch) -> None:
    held: Any = pytest.importorskip("_posixsubprocess")
    monkeypatch.setattr(held, "fork_exec", held.fork_exec)
    fence._no_spawning(around)
    with pytest.raises(PermissionError, match="starting a process"):
        held.fork_exec([b"python"], [b"/usr/bin/python"])
    with pytest.raises(PermissionError, match="starting a process ''"):
        held.fork_exec()
    assert [text for text, _ in around.news()] == [
        "starting a process [b'python'] was refused",
        "starting a process '' was refused",
    ]


def test_a_call_without_a_fence_is_a_call(around: Fence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence, "_fence", None)
    with fence.calling():
        done = True
    assert done
    monkeypatch.setattr(fence, "_fence", around)
    with fence.calling():
        assert around.calling
    assert not around.calling


def test_a_process_that_is_measured_writes_what_was_left_for_its_exit_and_ends_with_its_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[Any] = []
    monkeypatch.setattr("atexit._run_exitfuncs", lambda: done.append("exit functions"))
    monkeypatch.setattr(os, "_exit", lambda code: done.append(("at once", code)))
    monkeypatch.setattr(ctypes, "CDLL", lambda _: type("C", (), {"exit": lambda _, code: done.append(("C", code))})())
    monkeypatch.setenv(fence.MAY_WRITE, "/somewhere")
    fence.leave(3)
    expected = ["exit functions", *([("C", 3)] if sys.platform != "win32" else []), ("at once", 3)]
    assert done == expected
    done.clear()
    monkeypatch.delenv(fence.MAY_WRITE)
    fence.leave(4)
    assert done == [("at once", 4)]


def test_no_fence_was_put_around_this_process_by_asking_one(tmp_path: Path) -> None:
    assert builtins.open is io.open
    assert not isinstance(io.open, fence._Open)
    sqlite3.connect(tmp_path / "free.db").close()
    assert (tmp_path / "free.db").exists()
