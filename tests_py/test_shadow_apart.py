"""The worker is no child of the program: what waits for children, or hears of their end, never meets it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exuvia import _exuvia
from exuvia.migrate.shadow import birth
from shadowing import Shadowed, alive, shadowed, until

if TYPE_CHECKING:
    import pytest

__all__ = ["shadowed"]

LEGACY = "def price(n):\n    return n * 2\n"


def children() -> set[int]:
    """The children of this process, those that have ended and were not waited for too."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        found |= {int(pid) for pid in (task / "children").read_text().split()}
    return found


def test_a_program_has_no_child_more_and_hears_of_no_end(shadowed: Shadowed) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGCHLD, lambda number, _: heard.append(number))
    try:
        mine = children()
        shadowed.write(LEGACY, LEGACY)
        shadowed.install("price")
        shadowed.legacy.price(1)
        shadowed.settle()
        worker = shadowed.courier.stats()["worker"]
        assert alive(worker)
        assert children() == mine
        os.kill(worker, signal.SIGKILL)
        until(lambda: shadowed.courier.stats()["worker"] is None, "the death was not seen")
        shadowed.legacy.price(2)
        assert shadowed.counts("price")["compared"] == 2
        assert shadowed.courier.stats()["worker"] not in (None, worker)
        assert heard == []
    finally:
        signal.signal(signal.SIGCHLD, before)


WAITS = """
import os, sys
sys.path.insert(0, os.getcwd())
import exuvia.migrate
exuvia.migrate.install("exuvia.toml")
import old
from exuvia.migrate import runtime
for n in range(3):
    old.price(n)
for n in range(3):
    if not os.fork():
        os._exit(n)
count = 0
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
    count += 1
runtime._current.courier.flush(20)
print(count, runtime._current.courier.stats()["worker"] is not None)
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("no child")
"""


def test_a_program_that_waits_for_children_until_there_are_none_is_done(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text(LEGACY)
    (tmp_path / "new.py").write_text(LEGACY)
    (tmp_path / "main.py").write_text(WAITS)
    config = tmp_path / "exuvia.toml"
    config.write_text(
        '[exuvia]\nrehearsal = true\nendpoints = []\n[unit."old:price"]\ncandidate = "new:price"\n'
        'effect = "pure"\nmode = "shadow"\n'
    )
    config.chmod(0o600)
    done = subprocess.run(
        [sys.executable, "main.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split("\n")[:2] == ["3 True", "no child"], done.stdout + done.stderr


def test_a_worker_whose_keeper_is_killed_is_not_left_behind(shadowed: Shadowed) -> None:
    shadowed.write(LEGACY, LEGACY)
    shadowed.install("price")
    shadowed.legacy.price(1)
    shadowed.settle()
    worker = shadowed.courier.stats()["worker"]
    keeper = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
    assert keeper != os.getpid()
    os.kill(keeper, signal.SIGKILL)
    until(lambda: not alive(worker), "the worker outlived its keeper")
    until(lambda: shadowed.courier.stats()["worker"] is None, "the death was not seen")
    shadowed.legacy.price(2)
    assert shadowed.counts("price")["compared"] == 2


def test_where_the_system_cannot_do_it_the_keeper_splits_off_by_itself(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_exuvia, "start_apart", lambda *_: (0, errno.ENOSYS))
    monkeypatch.setattr(birth, "_witness", lambda: -1)
    mine = children()
    shadowed.write(LEGACY, "import os\ndef price(n):\n    return os.abort() if n == 2 else n * 2\n")
    shadowed.install("price")
    for n in range(5):
        shadowed.legacy.price(n)
    shadowed.settle()
    assert children() == mine
    assert shadowed.courier.stats()["restarts"] == 1
    assert "SIGABRT" in shadowed.stats("price")["strikes"][0]
    assert (shadowed.counts("price")["compared"], shadowed.counts("price")["differed"]) == (5, 1)


def test_what_cannot_be_started_says_the_system_s_reason() -> None:
    assert _exuvia.start_apart(b"/nowhere/python", [b"python"], [], []) == (0, errno.ENOENT)
    assert _exuvia.start_apart(b"/bin/true", [b"a\0b"], [], []) == (0, errno.EINVAL)
    assert _exuvia.start_apart(b"/bin/true", [b"true"], [], [(99_999, 0)]) == (0, errno.EBADF)


def test_a_program_apart_gets_what_it_was_given_and_nothing_else() -> None:
    reads, writes = os.pipe()
    extra = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(extra, True)
    script = b"echo $WHO; echo $PPID; ls /proc/self/fd | tr '\\n' ' '; trap"
    nothing = os.open("/dev/null", os.O_RDWR)
    pid, error = _exuvia.start_apart(
        b"/bin/sh",
        [b"sh", b"-c", script],
        [b"WHO=exuvia", b"PATH=/usr/bin:/bin"],
        [(nothing, 0), (writes, 1), (nothing, 2)],
    )
    for number in (writes, nothing, extra):
        os.close(number)
    assert (pid > 0, error) == (True, 0)
    with os.fdopen(reads, "rb") as said:
        who, parent, open_ = said.read().decode().splitlines()[:3]
    assert who == "exuvia"
    assert int(parent) != os.getpid()
    # The fourth is the folder that ls reads.
    assert open_.split() == ["0", "1", "2", "3"]
    until(lambda: not alive(pid), "it has not ended")


def test_places_that_cannot_be_are_an_error_number_and_nothing_is_started(tmp_path: Path) -> None:
    """Too many of them; one that is not open; one that no table of descriptors has."""
    made, before = tmp_path / "made", children()
    words = [b"touch", os.fsencode(made)]
    for places, number in [
        ([(0, at) for at in range(17)], errno.EINVAL),
        ([(9_999, 0)], errno.EBADF),
        ([(0, 10**9)], errno.EBADF),
    ]:
        assert _exuvia.start_apart(b"/bin/touch", words, [], places) == (0, number), places
    assert (made.exists(), children()) == (False, before)
    pid, number = _exuvia.start_apart(b"/bin/touch", words, [], [(0, 0)])
    assert pid > 0
    assert number == 0
    until(made.exists, "the same words with a place that is there start it")
