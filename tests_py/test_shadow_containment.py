"""What a candidate may do in the worker, and what becomes of it: contained, recorded, quarantined."""

from __future__ import annotations

import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from exuvia.migrate.shadow import containment
from shadowing import Shadowed, alive, shadowed, until

__all__ = ["shadowed"]

LEGACY = """
def price(n):
    return n * 2
def other(n):
    return n + 1
"""

CRASHES = {
    "panic": ("from exuvia.errors import PanicError; raise PanicError('index out of range')", "panic"),
    "exit": ("import sys; sys.exit(3)", "exception"),
    "hang": ("import time; time.sleep(60)", "timeout"),
    "hang with the interpreter's lock": ("re = __import__('re'); re.match('(a+)+b', 'a' * 60)", "timeout"),
    "abort": ("import os; os.abort()", "panic"),
    "segmentation fault": ("import ctypes; ctypes.string_at(0)", "panic"),
    "kill": ("import os; os.kill(os.getpid(), 9)", "panic"),
    "endless generator": ("return sum(x for x in iter(int, 1))", "timeout"),
    "endless list": ("return list(iter(int, 1))", "exception"),
    "recursion": ("return price(n) + 1", "exception"),
    "a gigabyte": ("held = bytearray(1 << 30); return n * 2", "exception"),
}


@pytest.mark.parametrize("what", CRASHES)
def test_whatever_the_candidate_does_legacy_answers_and_the_unit_is_quarantined(shadowed: Shadowed, what: str) -> None:
    does, kind = CRASHES[what]
    candidate = f"def price(n):\n    {does}\ndef other(n):\n    return n + 1\n"
    shadowed.write(LEGACY, candidate)
    # A list without end takes a second or two to fill the memory: that is the limit meant there, not the deadline.
    deadline = "deadline = 20.0" if kind == "exception" else "deadline = 0.3"
    shadowed.install("price", "other", more=f'{deadline}\nmemory = "256MiB"')
    price, other = shadowed.legacy.price, shadowed.legacy.other
    for n in range(3):
        assert price(n) == n * 2
        assert other(n) == n + 1
        shadowed.settle()
    assert shadowed.kinds("price") == [("$", kind)]
    assert shadowed.counts("price")["differed"] == 3
    assert len(shadowed.stats("price")["strikes"]) == 3
    assert shadowed.stats("price")["off"].startswith("quarantined")
    until(lambda: shadowed.mode("price") == "legacy", "the unit was not taken back to legacy")
    assert price(5) == 10
    # A neighbour is not held to account, whoever's worker died.
    assert (shadowed.counts("other")["compared"], shadowed.counts("other")["differed"]) == (3, 0)
    assert shadowed.stats("other")["off"] == ""


def test_the_cause_of_a_crash_names_the_signal_and_the_line(shadowed: Shadowed) -> None:
    shadowed.write(LEGACY, "import ctypes\ndef price(n):\n    ctypes.string_at(0)\n")
    shadowed.install("price")
    assert shadowed.legacy.price(1) == 2
    shadowed.settle()
    (cause,) = shadowed.stats("price")["strikes"]
    assert "SIGSEGV" in cause
    assert "Segmentation fault" in cause


def test_a_worker_that_dies_is_restarted_and_runs_again_what_was_not_its_fault(shadowed: Shadowed) -> None:
    candidate = "import os\ndef price(n):\n    if n == 50:\n        os.abort()\n    return n * 2\n"
    shadowed.write(LEGACY, candidate)
    shadowed.install("price")
    for n in range(100):
        assert shadowed.legacy.price(n) == n * 2
    counts = shadowed.counts("price")
    assert (counts["compared"], counts["differed"], counts["skipped"], counts["errors"]) == (100, 1, 0, 0)
    assert shadowed.courier.stats()["restarts"] == 1


def test_a_candidate_that_cannot_be_loaded_turns_its_shadow_off_and_says_why(shadowed: Shadowed) -> None:
    shadowed.write(
        LEGACY,
        "import sys\nif sys.argv and 'pytest' not in sys.modules:\n    raise OSError('no licence')\n"
        "def price(n):\n    return n * 2\n",
    )
    shadowed.install("price")
    assert shadowed.legacy.price(1) == 2
    shadowed.settle()
    assert "cannot be loaded in the worker: OSError: no licence" in shadowed.stats("price")["off"]
    assert [shadowed.legacy.price(n) for n in range(3)] == [0, 2, 4]
    counts = shadowed.counts("price")
    assert (counts["compared"], counts["skipped"]) == (0, 4)


def test_a_worker_that_never_starts_leaves_legacy_alone(shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch) -> None:
    shadowed.write(LEGACY, LEGACY)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    shadowed.install("price")
    assert shadowed.legacy.price(1) == 2
    shadowed.settle()
    assert "cannot be started" in shadowed.stats("price")["off"]
    assert shadowed.legacy.price(2) == 4
    assert shadowed.counts("price")["skipped"] == 2


def test_an_interpreter_that_ends_at_once_is_tried_three_times(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadowed.write(LEGACY, LEGACY)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    shadowed.install("price")
    assert shadowed.legacy.price(1) == 2
    shadowed.settle()
    assert "the worker died: it could not be started" in shadowed.stats("price")["off"]
    assert shadowed.courier.stats()["restarts"] == 3


def test_memory_that_the_system_does_not_limit_is_watched(shadowed: Shadowed) -> None:
    shadowed.write(
        LEGACY,
        "import time\nheld = []\ndef price(n):\n    held.append(b'x' * (200 << 20))\n"
        "    time.sleep(5)\n    return n * 2\n",
    )
    shadowed.install("price", more='memory = "64MiB"\ndeadline = 30.0')
    shadowed.courier.limit_memory = False
    assert shadowed.legacy.price(1) == 2
    shadowed.settle()
    assert shadowed.stats("price")["strikes"] == ["memory: more than 64 MiB"]


PARENT = """
import os, sys, time
sys.path.insert(0, os.getcwd())
import exuvia.migrate
exuvia.migrate.install("exuvia.toml")
import old
from exuvia.migrate import runtime
old.price(1)
courier = runtime._current.courier
courier.flush(20)
if "--hang" in sys.argv:
    old.price(99)
    time.sleep(0.3)
print(courier.stats()["worker"], runtime._current.units["old:price"].record.counters("")["compared"], flush=True)
if "--end" not in sys.argv:
    time.sleep(60)
"""


def program(folder: Path, candidate: str) -> None:
    (folder / "old.py").write_text(LEGACY)
    (folder / "new.py").write_text(candidate)
    (folder / "main.py").write_text(PARENT)
    config = folder / "exuvia.toml"
    config.write_text(
        '[exuvia]\nrehearsal = true\nendpoints = ["http://127.0.0.1:9"]\n[unit."old:price"]\ncandidate = "new:price"\n'
        'effect = "pure"\nmode = "shadow"\ndeadline = 60.0\n'
    )
    config.chmod(0o600)


HANGS = "import re\ndef price(n):\n    return re.match('(a+)+b', 'a' * 60) if n == 99 else n * 2\n"


@pytest.mark.parametrize(("words", "number"), [((), signal.SIGKILL), (("--hang",), signal.SIGKILL), (("--end",), 0)])
def test_the_worker_ends_with_its_parent_however_that_ends(tmp_path: Path, words: tuple[str, ...], number: int) -> None:
    program(tmp_path, HANGS)
    process = subprocess.Popen(
        [sys.executable, "main.py", *words], cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=os.environ.copy()
    )
    try:
        assert process.stdout is not None
        worker = int(process.stdout.readline().split()[0])
        if number:
            assert alive(worker)
            process.send_signal(number)
        process.wait(timeout=30)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    until(lambda: not alive(worker), "the worker outlived its parent")


def test_a_ctrl_c_at_the_terminal_does_not_reach_the_worker(shadowed: Shadowed) -> None:
    shadowed.write(LEGACY, LEGACY)
    shadowed.install("price")
    shadowed.legacy.price(1)
    shadowed.settle()
    worker = shadowed.courier.stats()["worker"]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(worker, number)
    time.sleep(0.1)
    shadowed.legacy.price(2)
    assert shadowed.counts("price")["compared"] == 2
    assert shadowed.courier.stats()["worker"] == worker


def test_a_worker_that_someone_kills_while_idle_is_nobodys_fault(shadowed: Shadowed) -> None:
    shadowed.write(LEGACY, LEGACY)
    shadowed.install("price")
    shadowed.legacy.price(1)
    shadowed.settle()
    os.kill(shadowed.courier.stats()["worker"], signal.SIGKILL)
    until(lambda: shadowed.courier.stats()["worker"] is None, "the death was not seen")
    shadowed.legacy.price(2)
    counts = shadowed.counts("price")
    assert (counts["compared"], counts["differed"]) == (2, 0)
    assert shadowed.stats("price")["strikes"] == []


def test_a_forked_child_has_a_worker_of_its_own(shadowed: Shadowed) -> None:
    shadowed.write(LEGACY, LEGACY)
    shadowed.install("price")
    shadowed.legacy.price(1)
    shadowed.settle()
    mine = shadowed.courier.stats()["worker"]
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            assert shadowed.legacy.price(7) == 14
            shadowed.settle()
            counts = shadowed.counts("price")
            worker = shadowed.courier.stats()["worker"]
            os.write(writing, f"{worker} {counts['compared']}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    theirs, compared = map(int, os.read(reading, 100).split())
    os.close(reading)
    os.waitpid(pid, 0)
    assert theirs not in (mine, 0)
    assert compared == 1
    until(lambda: not alive(theirs), "the child's worker outlived it")
    assert shadowed.legacy.price(2) == 4
    assert shadowed.counts("price")["compared"] == 2
    assert shadowed.courier.stats()["worker"] == mine


def test_nothing_of_exuvia_is_installed_in_the_worker(shadowed: Shadowed) -> None:
    shadowed.write(
        LEGACY,
        "import exuvia.migrate\nfrom exuvia.migrate import runtime\ndef price(n):\n"
        "    exuvia.migrate.install('/nowhere/exuvia.toml')\n    import LEGACY\n"
        "    assert LEGACY.price.__code__.co_consts.count(...) == 0 and runtime._current is None\n"
        "    return LEGACY.price(n)\n",
    )
    shadowed.install("price")
    assert shadowed.legacy.price(3) == 6
    counts = shadowed.counts("price")
    assert (counts["compared"], counts["differed"]) == (1, 0), counts


def test_what_the_candidate_prints_goes_nowhere(tmp_path: Path) -> None:
    program(
        tmp_path,
        "import os\ndef price(n):\n    print('priced'); os.write(2, b'x'); os.write(1, b'y')\n    return n * 2\n",
    )
    ran = subprocess.run(
        [sys.executable, "main.py", "--end"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout.split()[1:] == ["1"]
    assert ran.stderr == ""


DRAWS = """
import gc, os, random, sys
def price(n):
    random.random()
    os.environ["EXUVIA_LEFT"] = "1"
    sys.setrecursionlimit(5000)
    gc.disable()
    return n * 2
def other(n):
    return n + 1
"""


def test_a_candidate_in_the_callers_thread_leaves_numbers_environment_and_limits_as_they_were(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containment, "others", lambda: 0)
    shadowed.write(LEGACY, DRAWS)
    shadowed.install("price", more='isolation = "thread"')
    random.seed(7)
    before = random.getstate(), os.environ.copy(), sys.getrecursionlimit(), gc.isenabled()
    for n in range(3):
        assert shadowed.legacy.price(n) == n * 2
    assert (random.getstate(), os.environ.copy(), sys.getrecursionlimit(), gc.isenabled()) == before
    assert shadowed.counts("price")["compared"] == 3


def test_no_thread_is_given_a_random_number_twice(shadowed: Shadowed) -> None:
    slow = "import time\ndef price(n):\n    time.sleep(0.05)\n    return n * 2\ndef other(n):\n    return n + 1\n"
    shadowed.write(LEGACY, slow)
    shadowed.install("price", more='isolation = "thread"')
    drawn: list[int] = []
    stop = threading.Event()

    def draw() -> None:
        while not stop.wait(0.002):
            drawn.append(random.getrandbits(64))

    thread = threading.Thread(target=draw)
    thread.start()
    for n in range(6):
        assert shadowed.legacy.price(n) == n * 2
    stop.set()
    thread.join()
    assert len(drawn) > 10
    assert len(set(drawn)) == len(drawn)
    found = shadowed.counts("price")
    assert any("random numbers were drawn" in reason for reason in found["reasons"]), found
    assert found["differed"] == 0
