"""One process's segments: who may read them, when the next one begins, and what is on the disk when."""

from __future__ import annotations

import itertools
import os
import stat
import sys
import threading
from pathlib import Path

import pytest
import segments
from exuvia.migrate import own
from exuvia.migrate.evidence import chain, reading, watch
from exuvia.migrate.evidence.segment import Segment
from segments import DAY_NS, HEADER, UNIT, Clock, clock, mismatch, units, whats

__all__ = ["clock"]


def test_files_are_private_and_the_header_says_who_where_and_on_what(tmp_path: Path) -> None:
    place = tmp_path / "a" / "evidence"
    segment = Segment(place, HEADER)
    assert segment.path is not None
    assert stat.S_IMODE(segment.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    first = segments.lines(segment.path)[0]
    assert first["kind"] == "header"
    assert (first["format"], first["pid"], first["number"], first["previous"]) == (2, os.getpid(), 0, chain.GENESIS)
    assert first["host"] in segment.path.name.replace("_", "-") or "_" in segment.path.name
    assert first["python"] == sys.version.split()[0]
    assert all(first[name] for name in ("boot", "libc", "cpu", "system", "process", "started_ns"))
    assert first["epoch"] == 0
    segment.close()


def test_a_full_file_is_sealed_and_the_next_one_names_its_digest(tmp_path: Path) -> None:
    segment = Segment(tmp_path, HEADER, rotate=3_000)
    for n in range(60):
        segment.write(mismatch(n))
        segment.counters(units(n + 1))
    segment.counters(units(60), sync=True, ended=True)
    segment.close()
    found = reading.read_folder(tmp_path)
    assert len(found) > 3
    assert all(each.sealed and each.whole for each in found)
    for before, after in itertools.pairwise(found):
        assert after.header["previous"] == before.digest
    assert [each.counters for each in found[:-1]] == [{}] * (len(found) - 1), "each call is counted once"
    assert found[-1].counters == units(60)
    assert sum(len(each.mismatches) for each in found) == 60
    assert {path.stat().st_size < 5_000 for path in segments.files(tmp_path)} == {True}
    assert found[-1].farewell


def test_a_file_is_sealed_at_midnight_utc(tmp_path: Path, clock: Clock) -> None:
    segment = Segment(tmp_path, HEADER)
    segment.counters(units(1))
    clock.pass_by(DAY_NS / 1e9)
    segment.counters(units(2))
    segment.counters(units(3), ended=True)
    segment.close()
    found = reading.read_folder(tmp_path)
    assert [each.number for each in found] == [0, 1]
    assert found[1].counters == units(3)


def test_a_jump_of_the_clock_is_on_record_and_a_slow_drift_is_not(tmp_path: Path, clock: Clock) -> None:
    segment = Segment(tmp_path, HEADER)
    for jump in (0.0, 0.4, -0.4, 3.5, 0.0, -1.5):
        clock.pass_by(1.0, jump)
        segment.counters(units(1), sync=True)
    segment.close()
    [found] = reading.read_folder(tmp_path)
    assert [t.text.rpartition(": the clock")[2] for t in found.troubles if t.what == "clock"] == [
        " jumped by +3.500 s: this session is inconclusive",
        " jumped by -1.500 s: this session is inconclusive",
    ]
    assert not found.whole


def test_a_process_that_stood_still_says_so(tmp_path: Path, clock: Clock) -> None:
    segment = Segment(tmp_path, HEADER)
    clock.pass_by(watch.STILL_S + 1)
    segment.counters(units(1))
    segment.close()
    assert whats(reading.read_folder(tmp_path)) == {"still"}


def test_nothing_new_is_a_heartbeat_every_ten_seconds(tmp_path: Path, clock: Clock) -> None:
    segment = Segment(tmp_path, HEADER)
    assert segment.path is not None
    for _ in range(35):
        clock.pass_by(1.0)
        segment.counters(units(1))
    kinds = [line["kind"] for line in segments.lines(segment.path)]
    assert (kinds.count("counters"), kinds.count("beat")) == (1, 3)
    assert reading.read_segment(segment.path).last_at >= clock.wall - 10_000_000_000
    segment.close()


def test_one_batch_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = Segment(tmp_path, HEADER)
    written: list[int] = []
    real = os.write
    monkeypatch.setattr(own.os, "write", lambda to, data: written.append(len(data)) or real(to, data))
    for n in range(20):
        segment.write({"kind": "novel", "unit": UNIT, "signatures": [n]})
    assert written == [], "what can wait waits for the batch"
    segment.counters(units(1, sessions={"2026-11-20": {"first": 1, "last": 2, "minutes": [[0, 1]]}}), sync=True)
    assert len(written) == 1
    monkeypatch.undo()
    segment.close()
    [found] = reading.read_folder(tmp_path)
    assert [entry["signatures"] for entry in found.novel] == [[n] for n in range(20)]
    assert found.sessions[0]["day"] == "2026-11-20"


def test_a_difference_is_forced_to_the_disk_and_a_recorded_call_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = Segment(tmp_path, HEADER)
    segment.counters(units(0))
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(own.os, "fsync", lambda to: synced.append(to) or real(to))
    segment.write(mismatch(1))
    assert len(synced) == 1
    segment.write({"kind": "call", "unit": UNIT, "call": "", "signature": 1, "arguments": "", "outcome": ""})
    segment.counters(units(1))
    assert len(synced) == 1
    segment.close()


@pytest.mark.skipif(os.name != "posix", reason="names are made durable where folders can be opened")
@pytest.mark.parametrize("first", ["difference", "counters"])
def test_the_start_waits_for_no_disk_and_what_must_last_takes_file_and_name_with_it(
    first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(to: int) -> None:
        synced.append("folder" if stat.S_ISDIR(os.fstat(to).st_mode) else "file")
        real(to)

    monkeypatch.setattr(own.os, "fsync", fsync)
    segment = Segment(tmp_path, HEADER)
    assert synced == []
    assert reading.read_folder(tmp_path)[0].header["kind"] == "header", "others read it at once all the same"
    if first == "difference":
        segment.write(mismatch(1))
    else:
        segment.counters(units(1))
    assert synced == ["file", "folder"]
    segment.counters(units(2))
    assert synced == ["file", "folder"]
    segment.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_that_no_handler_saw_still_writes_a_file_of_its_own(tmp_path: Path) -> None:
    segment = Segment(tmp_path, HEADER)
    segment.write({"kind": "novel", "unit": UNIT, "signatures": [1]})
    child = os.fork()
    if child == 0:
        segment.write(mismatch(7))
        segment.counters(units(1), ended=True)
        segment.close()
        os._exit(0)
    os.waitpid(child, 0)
    segment.counters(units(2), ended=True)
    segment.close()
    found = reading.read_folder(tmp_path)
    assert {each.header["pid"] for each in found} == {os.getpid(), child}
    mine, its = sorted(found, key=lambda each: each.header["pid"] == child)
    assert (len(mine.mismatches), len(its.mismatches)) == (0, 1)
    assert (len(mine.novel), len(its.novel)) == (1, 0), "what waited belongs to the parent"
    assert whats(found) == set()


def test_threads_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    segment = Segment(tmp_path, HEADER, rotate=20_000)

    def work(first: int) -> None:
        for n in range(first, first + 100):
            segment.write(mismatch(n), sync=False)
            segment.counters(units(n))

    threads = [threading.Thread(target=work, args=(first,)) for first in range(0, 400, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    segment.counters(units(400), ended=True)
    segment.close()
    found = reading.read_folder(tmp_path)
    assert sorted(int(line["legacy"]) for each in found for line in each.mismatches) == list(range(400))
    assert whats(found) == set()
