"""A program that closes what is open, as daemons do: its own files under the same numbers are its own."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
import segments
from exuvia.migrate.descriptor import Held, ready
from exuvia.migrate.dispatch.page import Page
from exuvia.migrate.evidence import reading
from exuvia.migrate.evidence.segment import Segment
from exuvia.migrate.modes import entries, lock
from exuvia.migrate.modes.writing import open_journal
from exuvia.migrate.shadow import birth
from segments import HEADER, mismatch, units, whats


def taken_over(number: int, path: Path) -> int:
    """Close a descriptor and open a file of the program under its number, as the system might."""
    os.close(number)
    mine = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.dup2(mine, number)
    os.close(mine)
    return number


def is_mine(number: int, path: Path) -> bool:
    """Whether a number is the program's file, and nobody wrote to it."""
    return os.path.samestat(os.fstat(number), path.stat()) and not path.read_bytes()


def test_a_kept_descriptor_is_far_above_those_of_the_program_and_is_not_inherited(tmp_path: Path) -> None:
    held = Held(os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT, 0o600))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert held.number() >= min(512, soft // 2)
    assert not os.get_inheritable(held.number())
    held.close()
    assert not held.here
    assert not held.lost
    with pytest.raises(OSError, match="daemons"):
        held.number()


def test_a_number_that_is_another_file_by_now_is_neither_used_nor_closed(tmp_path: Path) -> None:
    held = Held(os.open(tmp_path / "ours", os.O_RDWR | os.O_CREAT, 0o600))
    number = taken_over(held.number(), tmp_path / "mine")
    assert held.lost
    with pytest.raises(OSError, match="closed a descriptor of exuvia"):
        held.number()
    held.close()
    assert is_mine(number, tmp_path / "mine")
    os.close(number)


def test_waiting_for_a_number_that_is_gone_ends_at_once() -> None:
    reads, writes = os.pipe()
    os.close(writes)
    os.close(reads)
    assert ready([reads], [], 30.0) == {reads}


def test_evidence_goes_on_in_a_new_file_and_the_program_s_file_stays_as_it_is(tmp_path: Path) -> None:
    segment = Segment(tmp_path / "evidence", HEADER)
    segment.write(mismatch(1))
    assert segment._descriptor is not None
    number = taken_over(segment._descriptor.number(), tmp_path / "orders.log")
    segment.write(mismatch(2))
    segment.counters(units(2), sync=True, ended=True)
    segment.close()
    assert is_mine(number, tmp_path / "orders.log")
    os.close(number)
    found = reading.read_folder(tmp_path / "evidence")
    assert [len(each.mismatches) for each in found] == [1, 1]
    assert [each.sealed for each in found] == [False, True]
    assert found[-1].counters == units(2)
    assert "closed" in whats(found)
    assert segment.lost == 0


def test_a_closed_segment_is_seen_by_the_next_look_after_it(tmp_path: Path) -> None:
    segment = Segment(tmp_path, HEADER)
    assert segment._descriptor is not None
    os.close(segment._descriptor.number())
    segment.counters(units(1))
    assert len(segments.files(tmp_path)) == 2
    assert segment.sampling
    segment.close()


def test_the_page_is_locked_again_by_its_name(tmp_path: Path) -> None:
    page = Page(tmp_path, lasting=True)
    number = taken_over(page._descriptor.number(), tmp_path / "orders.log")
    with page.locked():
        assert page.whole
    assert page._descriptor.here
    page.close()
    assert is_mine(number, tmp_path / "orders.log")
    os.close(number)


def test_a_page_that_is_another_file_by_now_is_not_locked_in_its_place(tmp_path: Path) -> None:
    page = Page(tmp_path, lasting=True)
    os.close(page._descriptor.number())
    page.path.replace(tmp_path / "elsewhere")
    page.path.write_bytes(b"")
    with pytest.raises(OSError, match="was replaced"), page.locked():
        pass
    page.close()


def test_a_journal_that_is_closed_below_its_writer_says_so_and_writes_nowhere_else(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    with open_journal(evidence, lowers=True) as pen:
        number = taken_over(pen._descriptor.number(), tmp_path / "orders.log")
        with pytest.raises(OSError, match="closed a descriptor"):
            pen.append({"unit": "*", "mode": entries.MODES[0], "reason": "a test"})
        assert not lock.take(pen._descriptor, 5.0)
    assert is_mine(number, tmp_path / "orders.log")
    os.close(number)


DAEMON = """
import os, signal, sys, time
sys.path.insert(0, os.getcwd())
import exuvia.migrate
exuvia.migrate.install("exuvia.toml")
import old
from exuvia.migrate import runtime
for n in range(20):
    old.price(n)
time.sleep(0.5)
mine = os.open("orders.log", os.O_RDWR | os.O_CREAT, 0o600)
which = os.fstat(mine)
numbers = [number for number in range(3, LIMIT) if number != mine]
if "HOW" == "close":
    os.closerange(3, mine)
    os.closerange(mine + 1, LIMIT)
else:
    for number in numbers:
        os.dup2(mine, number)
    # Those that exuvia opens anew need room.
    for number in numbers[-60:]:
        os.close(number)
    numbers = numbers[:-60]
time.sleep(2.5)
for n in range(50):
    assert old.price(n) == n * 2
runtime._current.courier.flush(20)
for n in range(50):
    assert old.price(n) == n * 2
runtime._current.courier.flush(20)
time.sleep(1.2)
if "HOW" != "close":
    assert all(os.path.samestat(os.fstat(number), which) for number in numbers), "closed"
assert os.pread(mine, 9, 0) == b"", os.pread(mine, 99, 0)
os.kill(os.getpid(), signal.SIGUSR2)
end = time.monotonic() + 20
while runtime._current.units["old:price"].mode != "legacy" and time.monotonic() < end:
    time.sleep(0.05)
counted = runtime._current.units["old:price"].record.counters("")
print(runtime._current.units["old:price"].mode, counted["compared"], counted["differed"], counted["panics"])
exuvia.migrate.uninstall()
if "HOW" != "close":
    assert all(os.path.samestat(os.fstat(number), which) for number in numbers), "closed at the end"
assert os.pread(mine, 9, 0) == b"", os.pread(mine, 99, 0)
print("fine", flush=True)
"""


@pytest.mark.parametrize("how", ["close", "take"])
@pytest.mark.parametrize("mode", ["legacy", "shadow", "rust"])
def test_a_daemon_s_files_are_its_own_and_exuvia_goes_on(tmp_path: Path, mode: str, how: str) -> None:
    (tmp_path / "old.py").write_text("def price(n):\n    return n * 2\n")
    (tmp_path / "new.py").write_text("def price(n):\n    return n * 2\n")
    (tmp_path / "main.py").write_text(DAEMON.replace("LIMIT", "700").replace("HOW", how))
    config = tmp_path / "exuvia.toml"
    config.write_text(
        '[exuvia]\nrehearsal = true\nendpoints = []\n[unit."old:price"]\ncandidate = "new:price"\n'
        f'effect = "pure"\nmode = "{mode}"\n'
    )
    config.chmod(0o600)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "main.py"], cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("fine\n"), done.stdout + done.stderr
    said = done.stdout.split()
    assert said[0] == "legacy"
    assert said[2:4] == ["0", "0"], done.stdout
    if mode == "shadow":
        assert int(said[1]) >= 100, done.stdout + done.stderr
    assert time.monotonic() - began < 60


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors of POSIX")
def test_what_the_program_opens_while_a_worker_starts_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: dict[int, Path] = {}

    def meanwhile(given: list[int]) -> None:
        for number in given:
            if number >= 0:
                path = tmp_path / str(number)
                taken[taken_over(number, path)] = path

    monkeypatch.setattr(birth, "_start", meanwhile)
    ends = birth.start()
    try:
        assert len(taken) >= 5
        assert all(is_mine(number, path) for number, path in taken.items())
    finally:
        for end in ends.all():
            end.close()
        for number in taken:
            os.close(number)
