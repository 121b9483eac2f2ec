"""Kill -9 at random moments while four processes write evidence; a parent that counts through pipes is the judge."""

from __future__ import annotations

import os
import random
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import exuvia.migrate
import pytest
from evidence_writers import EVERY, UNIT, Writers
from exuvia.migrate.evidence import reading
from exuvia.migrate.evidence.record import PLACES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from exuvia.migrate.evidence.reading import SegmentText

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "fork"), reason="needs fork and SIGKILL"),
]

SLOTS = 4
KILLS_LONG = 1_000
KILLS = 25
A_FOLDER = 20
SEEN_AS = {"killed", "torn", "headless", "unsealed"}


@dataclass
class Told:
    """What the judge knows of one process."""

    text: bytes
    killed: bool
    segments: list[SegmentText] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return self.text.count(b"c") + self.text.count(b"d")

    @property
    def differing(self) -> set[int]:
        return {n for n in range(1, self.calls + 1) if n % EVERY == 0}

    def judge(self) -> str:
        """Hold the evidence against what was told; return how the process ended."""
        assert [segment.number for segment in self.segments] == list(range(len(self.segments)))
        counted = [s.counters[UNIT] for s in self.segments if UNIT in s.counters]
        assert len(counted) <= 1, "only the newest counters count"
        compared = counted[0]["compared"] if counted else 0
        differed = counted[0]["differed"] if counted else 0
        recorded = {int(line["place"].removeprefix("$.k")) for s in self.segments for line in s.mismatches}
        assert compared <= self.calls + 1, "more was counted than was done"
        assert differed <= len(self.differing) + 1
        if len(self.differing) < PLACES:
            assert self.differing <= recorded, "a difference that was told is not on disk"
        whole = bool(self.segments) and all(segment.whole for segment in self.segments)
        if whole:
            # Called clean: then nothing may be missing.
            assert (self.calls, len(self.differing)) in ((compared, differed), (compared - 1, differed))
            return "whole"
        assert self.killed
        assert b"e" not in self.text, "what had ended before the kill is whole"
        assert not self.segments or {t.what for s in self.segments[-2:] for t in s.troubles} & SEEN_AS
        assert all(segment.ended for segment in self.segments if segment.header)
        return "gap"


def judge(folder: Path, evidence: Path, told: dict[int, Told]) -> dict[str, int]:
    """Hold everything in a folder against what the parent counted."""
    segments = reading.read_folder(evidence)
    for segment in segments:
        told[int(segment.process.rpartition("-")[2])].segments.append(segment)
    found = {"whole": 0, "gap": 0}
    for each in told.values():
        found[each.judge()] += 1
    config = exuvia.migrate.load(folder / "exuvia.toml")
    [state] = reading.statuses(config, segments)
    if any(each.differing for each in told.values()):
        assert state.verdict == "FAIL"
    assert found["gap"] == 0 or any("killed" in note or "no header" in note for note in state.notes), state.notes
    return found


def test_after_any_kill_the_store_opens_the_gap_is_seen_and_nothing_is_clean_that_was_not(
    long_seconds: float, tmp_path: Path, proof: Callable[[str, int], None]
) -> None:
    wanted = KILLS_LONG if long_seconds > 5 else KILLS
    seed = int(os.environ.get("EXUVIA_SEED") or time.time_ns() % 1_000_000)
    dice = random.Random(seed)
    sys.stdout.write(f"seed {seed}\n")
    writers = Writers(tmp_path, SLOTS)
    kills = wholes = gaps = calls = torn = 0
    try:
        while kills < wanted:
            evidence = tmp_path / f"evidence-{kills}"
            told: dict[int, Told] = {}
            alive = [writers.start(slot, evidence) for slot in range(SLOTS)]
            for number in range(A_FOLDER):
                slot = number % SLOTS
                time.sleep(dice.expovariate(1 / 0.03))
                told[alive[slot]] = Told(*writers.kill(slot, alive[slot]))
                alive[slot] = writers.start(slot, evidence, calls=dice.choice((0, 0, 0, 60)))
            for slot, pid in enumerate(alive):
                time.sleep(dice.random() * 0.1)
                told[pid] = Told(*writers.kill(slot, pid))
            found = judge(tmp_path, evidence, told)
            wholes, gaps = wholes + found["whole"], gaps + found["gap"]
            kills += sum(each.killed for each in told.values())
            calls += sum(each.calls for each in told.values())
            torn += sum(t.what == "torn" for each in told.values() for s in each.segments for t in s.troubles)
    finally:
        writers.close()
    assert gaps > 0
    proof("processes killed while they wrote evidence", kills)
    proof("calls that the judge counted in them", calls)
    proof("processes that were called clean, each confirmed by the judge", wholes)
    sys.stdout.write(f"gaps seen: {gaps}, torn frames: {torn}\n")


def test_a_process_that_ends_is_whole_and_counts_to_the_call(tmp_path: Path) -> None:
    writers = Writers(tmp_path, 2)
    try:
        pids = [writers.start(slot, tmp_path / "evidence", calls=4_000) for slot in range(2)]
        told = {pid: Told(*writers.wait(slot, pid)) for slot, pid in enumerate(pids)}
    finally:
        writers.close()
    assert judge(tmp_path, tmp_path / "evidence", told) == {"whole": 2, "gap": 0}
    assert [each.calls for each in told.values()] == [4_000, 4_000]
    assert all(len(each.segments) > 1 for each in told.values()), "they rotated"
    files = [segment.path.name for each in told.values() for segment in each.segments]
    assert len(files) == len(set(files))
