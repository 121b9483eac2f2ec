"""What loads the program's modules a second time, the worker and the look at surfaces, leaves its files alone."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from exuvia.migrate import config as configuration
from exuvia.migrate.modes.surface import surface
from exuvia.migrate.shadow import landlock
from shadowing import Shadowed, shadowed, until

__all__ = ["shadowed"]

PACKAGE = """
import atexit, logging
logging.basicConfig(filename="bot.log", filemode="w", level=logging.INFO, format="%(message)s")
STATE = {"position": 0}
@atexit.register
def save():
    with open("state.txt", "w") as file:
        file.write(str(STATE["position"]))
"""
MAIN = """
import logging
import bot
from bot.old import price
import exuvia.migrate
exuvia.migrate.install("exuvia.toml")
for number in range(30):
    logging.info("trade %d", number)
    bot.STATE["position"] += 1
    assert price(number) == 2 * number
    if number == 9:
        assert exuvia.migrate.runtime._current.courier.flush(30.0)
        print(exuvia.migrate.status()[0].notes)
"""


def bot(folder: Path) -> Path:
    """A bot whose package opens its log anew when it is imported, and saves its state when it ends."""
    (folder / "bot").mkdir()
    (folder / "bot" / "__init__.py").write_text(PACKAGE)
    for side in ("old", "new"):
        (folder / "bot" / f"{side}.py").write_text("def price(n):\n    return n * 2\n")
    (folder / "main.py").write_text(MAIN)
    config = folder / "exuvia.toml"
    config.write_text(
        "[exuvia]\nrehearsal = true\nendpoints = []\n"
        '[unit."bot.old:price"]\ncandidate = "bot.new:price"\neffect = "pure"\nmode = "shadow"\n'
    )
    config.chmod(0o600)
    return config


def test_a_worker_neither_truncates_the_program_s_log_nor_runs_what_it_left_for_its_exit(tmp_path: Path) -> None:
    bot(tmp_path)
    ran = subprocess.run(
        [sys.executable, "main.py"], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "bot.log").read_text().split("\n")[:-1] == [f"trade {number}" for number in range(30)]
    assert (tmp_path / "state.txt").read_text() == "30"
    assert "bot.log was opened for writing: it went to a private file" in ran.stdout


def test_looking_at_the_surfaces_writes_nothing_and_runs_nothing_at_its_exit(tmp_path: Path) -> None:
    config = configuration.load(bot(tmp_path))
    (tmp_path / "bot.log").write_text("precious")
    (tmp_path / "state.txt").write_text("77")
    before = sorted(tmp_path.rglob("*"))
    found = surface(config, config.units["bot.old:price"])
    assert found.verdict == "PASS", found.why
    assert (tmp_path / "bot.log").read_text() == "precious"
    assert (tmp_path / "state.txt").read_text() == "77"
    assert sorted(tmp_path.rglob("*")) == before


ACTS = """
import ctypes, json, os, pathlib, socket, sqlite3, subprocess, sys, logging
from exuvia.migrate.shadow import fence
there = pathlib.Path(sys.argv[2])
class Holds:
    opens = open
around = fence.put_up(sys.argv[1])
class HoldsNow:
    opens = open
with HoldsNow().opens(there / "kept.txt") as file:
    assert file.read() == "kept", "reading goes through"
def refused(act):
    try:
        act()
    except PermissionError as error:
        return "exuvia refuses" in str(error)
    return False
print(json.dumps({
    "remove": refused(lambda: os.remove(there / "kept.txt")),
    "rename": refused(lambda: (there / "kept.txt").rename(there / "other.txt")),
    "rename out": refused(lambda: os.rename(os.path.join(sys.argv[1], "x"), there / "kept.txt")),
    "make a folder": refused(lambda: (there / "made").mkdir()),
    "truncate": refused(lambda: os.truncate(there / "kept.txt", 0)),
    "link": refused(lambda: os.link(there / "kept.txt", there / "link")),
    "database": refused(lambda: sqlite3.connect(there / "kept.db")),
    "process": refused(lambda: subprocess.run(["true"])),
    "shell": refused(lambda: os.system("true")),
    "signal": refused(lambda: os.kill(os.getppid(), 0)),
    "connect": refused(lambda: socket.create_connection(("127.0.0.1", 9))),
    "below open": refused(lambda: __import__("posix").open(str(there / "kept.txt"), os.O_WRONLY | os.O_TRUNC)),
}))
sqlite3.connect(":memory:").close()
with open(there / "kept.txt", "a") as file:
    file.write("more")
with open(there / "kept.txt", "r+") as file:
    assert file.read() == "more", "the private copy is what it wrote"
descriptor = os.open(there / "new.txt", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
os.write(descriptor, b"new")
os.close(descriptor)
assert pathlib.Path(there / "new.txt").read_text() == "new"
logging.FileHandler(there / "late.log", mode="w", delay=True).emit(logging.makeLogRecord({"msg": "hello"}))
try:
    open(there / "nowhere" / "x", "w")
except FileNotFoundError:
    print("no such folder")
try:
    open(there / "kept.txt", "x")
except FileExistsError:
    print("exists")
libc = ctypes.CDLL(None, use_errno=True)
print("compiled", libc.open(os.fsencode(there / "kept.txt"), os.O_WRONLY | os.O_TRUNC))
print(len(around.news()) > 10, around.news())
fence.leave(0)
"""


def test_inside_of_the_fence_reading_goes_through_and_nothing_else_does(tmp_path: Path) -> None:
    there, private = tmp_path / "there", tmp_path / "private"
    there.mkdir()
    private.mkdir()
    (there / "kept.txt").write_text("kept")
    ran = subprocess.run(
        [sys.executable, "-c", ACTS, str(private), str(there)],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    said = ran.stdout.splitlines()
    assert '": false' not in said[0], said[0]
    assert said[1:3] == ["no such folder", "exists"]
    assert said[4] == "True []"
    assert (there / "kept.txt").read_text() == "kept"
    assert [path.name for path in there.iterdir()] == ["kept.txt"]


@pytest.mark.skipif(
    sys.platform != "linux" or ctypes.CDLL(None).syscall(444, None, 0, 1) < 1,
    reason="this system has no Landlock: what compiled code writes by itself is not refused",
)
def test_linux_refuses_what_compiled_code_writes_by_itself(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "kept").write_text("kept")
    script = (
        "import ctypes, os, sys\nfrom exuvia.migrate.shadow import landlock\n"
        "assert landlock.restrict((sys.argv[1],))\nlibc = ctypes.CDLL(None)\n"
        "def opened(name, how): return libc.open(os.fsencode(name), how, 0o600) >= 0\n"
        "print(opened(sys.argv[2], os.O_RDONLY), opened(sys.argv[2], os.O_WRONLY | os.O_TRUNC),\n"
        "      opened(sys.argv[1] + '/new', os.O_WRONLY | os.O_CREAT), opened('/dev/null', os.O_RDWR))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "in"), str(tmp_path / "kept")],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.stdout.split() == ["True", "False", "True", "True"], ran.stderr
    assert (tmp_path / "kept").read_text() == "kept"
    assert landlock.restrict.__doc__


def test_a_candidate_that_writes_as_it_is_called_is_a_finding(shadowed: Shadowed, tmp_path: Path) -> None:
    left = tmp_path / "left.txt"
    shadowed.write(
        "def price(n):\n    return n * 2\n",
        f"def price(n):\n    with open({str(left)!r}, 'a') as file:\n        file.write('x')\n    return n * 2\n",
    )
    shadowed.install("price")
    for number in range(5):
        assert shadowed.legacy.price(number) == 2 * number
    assert shadowed.counts("price")["compared"] == 5
    assert not left.exists()
    (line,) = [line for line in shadowed.kept("trouble") if line["what"] == "acted"]
    assert "while it was called" in line["text"]
    assert str(left) in line["text"]
    notes = shadowed.courier.notes(f"{shadowed.legacy_name}:price")
    assert any("a pure unit writes nothing" in note for note in notes)


def test_legacy_that_writes_in_the_worker_accuses_no_candidate(shadowed: Shadowed, tmp_path: Path) -> None:
    left = tmp_path / "gone.txt"
    left.write_text("kept")
    shadowed.write(
        f"import os\nGONE = {str(left)!r}\n"
        "def price(n):\n    if os.path.exists(GONE):\n        os.remove(GONE)\n    return n * 2\n",
        "def price(n):\n    return n * 2\n",
    )
    shadowed.install("price", more="sample = 0.99", mode="rust")
    for number in range(30):
        assert shadowed.legacy.price(number) == 2 * number
    counts = shadowed.counts("price")
    assert counts["differed"] == 0
    assert left.read_text() == "kept"


def test_the_worker_s_private_folder_goes_with_it(shadowed: Shadowed) -> None:
    def folders() -> set[str]:
        return {path.name for path in Path(tempfile.gettempdir()).glob("exuvia-worker-*")}

    before = folders()
    shadowed.write("def price(n):\n    return n * 2\n", "import tempfile\ndef price(n):\n    return n * 2\n")
    shadowed.install("price")
    shadowed.legacy.price(1)
    shadowed.settle()
    made = folders() - before
    assert made
    shadowed.courier.stop(5.0)
    until(lambda: not made & folders(), "the folder was left behind")
