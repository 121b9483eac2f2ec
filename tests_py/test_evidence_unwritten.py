"""What a full disk kept from the evidence, and a kill from being told later, lets no gate pass."""

from __future__ import annotations

import os
import stat
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import segments
from commands import exuvia
from exuvia.migrate.evidence import compact, header, quota, reading
from exuvia.migrate.evidence.segment import Segment
from exuvia.migrate.gates import judge, restarts, selftest
from exuvia.migrate.modes import journal
from failing_disks import full, killed, read_only, spoiled
from gate_files import UNIT, Bot
from segments import HEADER, mismatch, units, whats

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")

PROGRAM = """
import glob, os, resource, time, bot
for number in range(30):
    bot.price(1)
time.sleep(1.5)
if {full}:
    size = os.path.getsize(glob.glob("evidence/*.seg")[0])
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
bot.price(77)
for number in range(150):
    bot.price(1)
    time.sleep(0.01)
os.kill(os.getpid(), 9)
"""


def test_a_difference_that_a_full_disk_did_not_take_is_missed_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = Segment(tmp_path, HEADER)
    segment.counters(units(1))
    with monkeypatch.context() as patch:
        full(patch)
        segment.write(mismatch(1))
        segment.counters(units(2, differed=1))
    assert {"unwritten"} == whats(reading.read_folder(tmp_path)), "also while its process is there"
    killed(segment)
    assert {"unwritten", "killed"} == whats(reading.read_folder(tmp_path))


@pytest.mark.parametrize(("disk", "times"), [(full, 1), (read_only, 2)], ids=["full", "read-only"])
def test_a_process_that_can_write_again_tells_what_was_lost_and_takes_the_mark_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Callable[[pytest.MonkeyPatch], None], times: int
) -> None:
    evidence = tmp_path / "evidence"
    segment = spoiled(evidence, monkeypatch, disk)
    segment.counters(units(1))
    assert "unwritten" in whats(reading.read_folder(evidence)), "these may have been counted before the loss"
    for _ in range(times):
        segment.counters(units(2, differed=1))
    assert {"stopped", "lost"} == whats(reading.read_folder(evidence))
    assert segment.path is not None
    assert stat.S_IMODE(segment.path.stat().st_mode) == 0o600
    killed(segment)
    [found] = reading.read_folder(evidence)
    assert {"stopped", "lost", "killed"} == whats([found])
    assert found.counters[UNIT]["differed"] == 1


@pytest.fixture(autouse=True)
def marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the marks beside the evidence go."""
    folder = tmp_path / "marks"
    folder.mkdir()
    monkeypatch.setenv("EXUVIA_MARKS", str(folder))
    return folder


def test_what_a_read_only_disk_did_not_take_is_told_to_the_next_process_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marks: Path
) -> None:
    evidence = tmp_path / "evidence"
    segment = spoiled(evidence, monkeypatch, read_only)
    [found] = reading.read_folder(evidence)
    assert whats([found]) == {"unwritten"}
    assert "Read-only file system" in str(found.trouble)
    killed(segment)
    assert {"unwritten", "killed"} == whats(reading.read_folder(evidence))
    (mark,) = marks.iterdir()
    assert stat.S_IMODE(mark.stat().st_mode) == 0o600
    mark.chmod(0o666)
    assert whats(reading.read_folder(evidence)) == {"killed"}, "what others may write says nothing"


def test_a_process_that_could_not_begin_a_file_is_missed(tmp_path: Path) -> None:
    evidence = tmp_path / "file" / "evidence"
    evidence.parent.write_text("no folder")
    segment = Segment(evidence, HEADER)
    assert not segment.sampling
    [found] = reading.read_folder(evidence)
    assert found.process == segment.process
    assert "unwritten" in whats([found])


def test_a_process_that_is_there_and_writes_no_heartbeat_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = tmp_path / "evidence"
    segment = Segment(evidence, HEADER)
    segment.counters(units(1))
    assert whats(reading.read_folder(evidence)) == set()
    later = SimpleNamespace(time_ns=lambda: time.time_ns() + 90 * 10**9)
    with monkeypatch.context() as patch:
        patch.setattr(header, "time", later)
        [found] = reading.read_folder(evidence)
        assert whats([found]) == {"silent"}
        assert "not even a heartbeat" in str(found.trouble)
        segment.counters(units(1), ended=True)
        segment.close()
        assert whats(reading.read_folder(evidence)) == set()


def test_a_kill_on_a_healthy_disk_is_no_lost_difference(tmp_path: Path) -> None:
    segment = Segment(tmp_path, HEADER)
    segment.write(mismatch(1))
    killed(segment)
    assert whats(reading.read_folder(tmp_path)) == {"killed"}


def test_a_sealed_file_may_be_made_read_only(tmp_path: Path) -> None:
    segment = Segment(tmp_path, HEADER)
    segment.counters(units(1), ended=True)
    segment.close()
    segments.files(tmp_path)[0].chmod(0o400)
    assert whats(reading.read_folder(tmp_path)) == set()


def test_the_mark_outlives_compaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(spoiled(tmp_path, monkeypatch, full))
    compact.compact(tmp_path)
    quota.make_room(tmp_path, 1)
    assert segments.files(tmp_path) == []
    assert whats(reading.read_folder(tmp_path)) == {"unwritten", "killed"}


def verdict(bot: Bot) -> judge.GroupVerdict:
    found = reading.read_folder(bot.config.evidence)
    return judge.group_verdict(bot.config, bot.group, found, journal.read(bot.config.evidence))


def test_a_gate_does_not_pass_over_what_could_not_be_written_until_it_is_left_behind_with_a_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selftest, "trouble", lambda *_: None)
    bot = Bot(tmp_path)
    for day in bot.days[:5]:
        bot.day(day)
    bot.write_down()
    path = segments.files(bot.config.evidence)[1]
    here: dict[str, Any] = {"host": os.uname().nodename, "pid": 2**22 + 1}

    def change(line: dict[str, Any]) -> dict[str, Any] | None:
        return None if line["kind"] == "end" else {**line, **here} if line["kind"] == "header" else line

    segments.rewrite(path, change)
    found = verdict(bot)
    assert (found.verdict, found.sessions[1].state) == ("PASS", "inconclusive"), "a kill costs its session"
    path.chmod(0o400)
    found = verdict(bot)
    assert found.verdict == "INCONCLUSIVE"
    assert any("a difference may be among them; without it nobody knows" in reason for reason in found.reasons)
    [state] = reading.statuses(bot.config, reading.read_folder(bot.config.evidence))
    assert state.verdict == "INCONCLUSIVE"
    monkeypatch.setattr(restarts, "time_ns", lambda: bot.desk.hours(bot.days[1])[1])
    restarts.append(bot.config.evidence, bot.group, "the disk was full on Tuesday")
    assert verdict(bot).verdict == "PASS"


@pytest.mark.parametrize("disk", ["full", "healthy"])
def test_a_difference_of_a_real_process_on_a_full_disk_is_not_forgotten(tmp_path: Path, disk: str) -> None:
    (tmp_path / "bot.py").write_text("def price(n):\n    return n\n")
    (tmp_path / "shim.py").write_text("def price(n):\n    return n if n != 77 else 9\n")
    (tmp_path / "prog.py").write_text(PROGRAM.format(full=disk == "full"))
    path = tmp_path / "exuvia.toml"
    path.write_text(
        '[exuvia]\nrehearsal = true\nendpoints = ["http://127.0.0.1:1"]\n'
        '[unit."bot:price"]\ncandidate = "shim:price"\neffect = "pure"\nmode = "shadow"\n'
    )
    path.chmod(0o600)
    done = exuvia(tmp_path, "run", "prog.py")
    assert done.returncode == -9, done.stderr
    found = reading.read_folder(tmp_path / "evidence")
    told = sum(len(each.mismatches) for each in found)
    assert (told, "unwritten" in whats(found)) == ((0, True) if disk == "full" else (1, False))
