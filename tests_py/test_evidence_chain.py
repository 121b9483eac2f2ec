"""A process's files as others read them: children unseen, kills, and the chain of what was sealed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import segments
from exuvia.migrate.evidence import chain, header, reading, watch
from exuvia.migrate.evidence.segment import Segment
from segments import HEADER, mismatch, units, whats

if TYPE_CHECKING:
    from collections.abc import Callable

# --- children ---

CHILD = """
import sys, time
if sys.argv[1] == "with":
    from pathlib import Path
    from exuvia.migrate.evidence.segment import Segment
    segment = Segment(Path(sys.argv[2]), {"fingerprints": {}})
print("up", flush=True)
sys.stdin.read()
if sys.argv[1] == "with":
    segment.counters({}, ended=True)
    segment.close()
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are seen through /proc")
@pytest.mark.parametrize(("how", "seen"), [("with", set()), ("without", {"child"})])
def test_a_child_without_exuvia_is_seen_by_its_missing_heartbeat(tmp_path: Path, how: str, seen: set[str]) -> None:
    if not watch_works():
        pytest.skip("this kernel does not list children")
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, how, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        segment = Segment(tmp_path, HEADER)
        for _ in range(3):
            segment.watch._children_at -= int(watch.CHILDREN_S * 1e9)
            segment.counters(units(1), sync=True)
        segment.counters(units(1), ended=True)
        segment.close()
        child.communicate()
    mine = [each for each in reading.read_folder(tmp_path) if each.header["pid"] == os.getpid()]
    assert whats(mine) == seen
    if seen:
        assert str(mine[0].trouble).endswith(
            f"a child ran the same Python without exuvia, its calls are not known: {child.pid}"
        )


def watch_works() -> bool:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        time.sleep(0.2)
        found = child.pid in watch.children()
        child.communicate(b"\n")
    return found


def test_a_worker_of_exuvia_is_no_unseen_child() -> None:
    if not watch_works():
        pytest.skip("this kernel does not list children")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        time.sleep(0.2)
        watch.OURS.add(child.pid)
        try:
            assert child.pid not in watch.children()
        finally:
            watch.OURS.discard(child.pid)
            child.communicate(b"\n")


# --- who is gone ---


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ({}, False),
        ({"host": "another-desk", "pid": 2**22 + 1}, False),
        ({"boot": "another-boot"}, True),
        ({"born": 1}, True),
        ({"pid": 2**22 + 1}, True),
        ({"pid": "17"}, False),
    ],
)
def test_a_process_is_gone_by_its_number_its_boot_or_its_start(change: dict[str, Any], gone: bool) -> None:
    assert header.is_gone({**header.facts(0), **change}) is gone


def test_a_process_killed_between_two_files_is_not_called_whole(tmp_path: Path) -> None:
    segment = Segment(tmp_path, HEADER)
    segment.counters(units(1))
    segment.close()  # sealed, and no word of an end: as a kill right after the seal leaves it
    [path] = segments.files(tmp_path)
    segments.rewrite(path, lambda line: {**line, "pid": 2**22 + 1} if line["kind"] == "header" else line)
    assert whats(reading.read_folder(tmp_path)) == {"killed"}


# --- the chain ---


def three(tmp_path: Path) -> list[Path]:
    segment = Segment(tmp_path, HEADER, rotate=1_500)
    while len(segments.files(tmp_path)) < 3:
        segment.write(mismatch(1))
        segment.counters(units(1))
    segment.counters(units(2), ended=True)
    segment.close()
    return segments.files(tmp_path)


def test_the_head_grows_with_each_seal_and_an_old_head_stays_in_the_chain(tmp_path: Path) -> None:
    assert reading.head(tmp_path) == chain.GENESIS
    three(tmp_path)
    heads = reading.heads(tmp_path)
    assert len(heads) == 4
    Segment(tmp_path, HEADER).close()
    later = reading.heads(tmp_path)
    assert later[:4] == heads
    assert reading.head(tmp_path) == later[-1] != heads[-1]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_sealed_segment_that_is_changed_with_care_is_seen_and_gives_another_head(tmp_path: Path, which: int) -> None:
    files = three(tmp_path)
    heads = reading.heads(tmp_path)
    segments.rewrite(files[which], lambda line: {**line, "at": 7} if line["kind"] == "counters" else line)
    assert reading.heads(tmp_path)[which + 1] not in heads
    assert which == 2 or "changed" in whats(reading.read_folder(tmp_path))


def test_a_segment_that_is_taken_away_is_missed(tmp_path: Path) -> None:
    files = three(tmp_path)
    files[1].unlink()
    assert "missing" in whats(reading.read_folder(tmp_path))
    files[0].unlink()
    assert "missing" in whats(reading.read_folder(tmp_path))


def spoil(path: Path, change: Callable[[bytearray], object]) -> None:
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)


def test_a_flipped_bit_anywhere_in_a_sealed_segment_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RETRIES", 0)
    [*_, path] = three(tmp_path)
    whole = path.read_bytes()
    assert reading.read_segment(path).whole
    for at in range(0, len(whole), 7):
        spoil(path, lambda data, at=at: data.__setitem__(at, data[at] ^ (1 << at % 8)))
        found = reading.read_segment(path)
        assert not found.whole, at
        path.write_bytes(whole)


def test_a_segment_that_was_cut_anywhere_is_not_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RETRIES", 0)
    [*_, path] = three(tmp_path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 11):
        path.write_bytes(whole[:length])
        assert not reading.read_segment(path).whole, length


def test_the_digest_is_that_of_the_bytes_before_the_seal(tmp_path: Path) -> None:
    [*_, path] = three(tmp_path)
    said = segments.of_kind(path, "seal")[0]
    data = path.read_bytes()[: said["bytes"]]
    assert hashlib.sha256(data).hexdigest() == said["digest"] == reading.read_segment(path).digest
    assert said["frames"] == len(segments.lines(path)) - 1
