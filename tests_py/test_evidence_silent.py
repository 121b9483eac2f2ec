"""A process of another host cannot be asked whether it is there: it is gone when nothing was heard of it for long."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest
import segments
from desk import Gate
from exuvia.migrate.evidence import compact, header, reading
from exuvia.migrate.evidence.segment import Segment
from exuvia.migrate.gates import judge, selftest
from exuvia.migrate.modes import drill, journal
from gate_files import UNIT, Seen
from gate_files import Bot as Desk
from running_bot import PRICE, Bot, bots, in_rust, posix
from segments import HEADER, units, whats

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["bots"]

OTHER = {"host": "pod-7f9c", "pid": 17}
SECOND = 1_000_000_000


def cut(path: Path, *, age_s: float | None = None, moved_s: float = 0.0, said: dict[str, Any] | None = None) -> None:
    """Take the end from a segment, as a kill does; it is of another host, and so old by its lines or its file."""

    def change(line: dict[str, Any]) -> dict[str, Any] | None:
        if line["kind"] in ("end", "seal"):
            return None
        if "at" in line:
            line["at"] = int(line["at"] - moved_s * SECOND)
        return {**line, **(said or OTHER)} if line["kind"] == "header" else line

    segments.rewrite(path, change)
    if age_s is not None:
        os.utime(path, (time.time() - age_s,) * 2)


def left(folder: Path) -> Path:
    segment = Segment(folder, HEADER)
    segment.counters(units(1))
    segment.counters(units(2), sync=True)
    segment.close()
    return segments.files(folder)[-1]


@pytest.mark.parametrize(
    ("moved_s", "age_s", "ended", "clean"),
    [
        (0, 0, False, True),
        (60, 60, False, True),
        (0, 3600, False, True),
        (3600, 0, False, False),
        (25 * 3600, 0, True, False),
        (180, 180, True, False),
        (-7 * 3600, 180, True, False),
    ],
)
def test_a_process_of_another_host_is_gone_when_lines_and_file_are_old_and_unsure_when_its_lines_are(
    tmp_path: Path, moved_s: float, age_s: float, ended: bool, clean: bool
) -> None:
    cut(left(tmp_path), moved_s=moved_s, age_s=age_s)
    [found] = reading.read_folder(tmp_path)
    assert (found.ended, whats([found])) == (ended, set() if clean else {"killed"})


def test_a_process_of_this_host_is_asked_and_not_counted_as_gone_for_its_silence(tmp_path: Path) -> None:
    cut(left(tmp_path), moved_s=3600, age_s=3600, said={"pid": os.getpid()})
    [found] = reading.read_folder(tmp_path)
    assert (found.ended, whats([found])) == (False, {"silent"}), "it is there, and what it sees is not known"


def test_an_old_file_of_a_process_that_still_writes_its_next_one_is_no_sign_of_a_kill(tmp_path: Path) -> None:
    segment = Segment(tmp_path, HEADER, rotate=1_500)
    while len(segments.files(tmp_path)) < 3:
        segment.write(segments.mismatch(1))
        segment.counters(units(1))
    segment.close()
    for path in segments.files(tmp_path):
        segments.rewrite(path, lambda line: {**line, **OTHER} if line["kind"] == "header" else line)
    files = segments.files(tmp_path)
    cut(files[-1])
    os.utime(files[0], (time.time() - 3600,) * 2)
    assert not any(each.ended for each in reading.read_folder(tmp_path))


def test_what_another_host_may_still_write_is_not_compacted(tmp_path: Path) -> None:
    path = left(tmp_path)
    cut(path, moved_s=3600, age_s=3600)
    [day] = compact.compact(tmp_path)
    assert (day.segments, list(day.left)) == ([], [path.name])


@pytest.mark.parametrize("host", [header.machine()["host"], "pod-7f9c"])
def test_no_session_of_a_killed_process_is_clean_from_whichever_host_the_gate_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(selftest, "trouble", lambda *_: None)
    bot = Desk(tmp_path, sessions=3)
    for day in bot.days[:4]:
        bot.day(day)
    bot.write_down()
    path = segments.files(bot.config.evidence)[1]
    said = {"host": host, "pid": 2**22 + 1, "boot": header.machine()["boot"]}
    cut(path, said=said)
    found = judge.group_verdict(
        bot.config, bot.group, reading.read_folder(bot.config.evidence), journal.read(bot.config.evidence)
    )
    assert [each.state for each in found.sessions] == ["clean", "inconclusive", "clean", "clean"]
    assert isinstance(bot.segments[1], Seen)
    assert UNIT in bot.segments[1].counters


@posix
@pytest.mark.parametrize(("ago_s", "verdict"), [(3 * 86_400, "PASS"), (5, "FAIL")])
def test_a_drill_waits_for_a_process_of_another_host_unless_it_has_been_silent_for_long(
    tmp_path: Path, bots: Callable[[Path], Bot], ago_s: float, verdict: str
) -> None:
    config = in_rust(tmp_path)
    running = bots(tmp_path)
    assert running.price() == -1.0
    source = segments.files(config.evidence)[0]
    kept = [line for line in segments.lines(source) if line["kind"] not in ("end", "seal")]
    for line in kept:
        line["at"] -= int(ago_s * SECOND)
    began = int(kept[0]["started_ns"] - ago_s * SECOND)
    kept[0] |= {"host": "oldbox", "pid": 4242, "started_ns": began, "process": f"{began}-oldbox-4242"}
    path = config.evidence / f"{began}-oldbox-4242-0.seg"
    path.write_bytes(segments.framed(*kept))
    path.chmod(0o600)
    os.utime(path, (time.time() - ago_s,) * 2)
    done = drill.drill(config, PRICE, timeout_s=3.0, judge=Gate())
    assert (done.verdict, done.put_back) == (verdict, verdict == "PASS"), done.why
    assert (f"{running.process.pid}" in "".join(done.processes)) is True
