"""The newest evidence decides, however little there is of it: a line before the first count, a file nobody can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import segments
from exuvia.migrate.cli import main as cli
from exuvia.migrate.evidence import members, reading
from exuvia.migrate.evidence.segment import Segment
from exuvia.migrate.gates import judge, selftest
from exuvia.migrate.gates.alive import MINUTE
from exuvia.migrate.modes import journal, judging
from gate_files import UNIT, Bot, Said, Seen
from segments import HEADER, Clock, clock, units

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["clock"]


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparator's self-test is a test of its own: here it caught everything."""
    monkeypatch.setattr(selftest, "trouble", lambda *_: None)


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    """Four clean sessions, Monday to Thursday."""
    bot = Bot(tmp_path)
    for day in bot.days[:4]:
        bot.day(day)
    return bot


def line(at: int, difference: str = "value") -> dict[str, Any]:
    return {"unit": UNIT, "at": at, "path": "$", "place": "$", "difference": difference}


def barely(bot: Bot, day: str) -> Seen:
    """A process of that day that was heard of for a few seconds only: no session line of it."""
    seen = bot.day(day, compared=5)
    seen.sessions, seen.ended = [], False
    return seen


def on_disk(bot: Bot, **more: Any) -> judge.GroupVerdict:
    found = reading.read_folder(bot.config.evidence)
    return judge.group_verdict(bot.config, bot.group, found, journal.read(bot.config.evidence), **more)


@pytest.mark.parametrize("difference", ["value", "panic", "timeout"])
@pytest.mark.parametrize("day", [4, 5, 9])
def test_a_newest_day_that_left_one_difference_and_no_count_ends_the_count(bot: Bot, difference: str, day: int) -> None:
    at = bot.desk.hours(bot.days[day])[0] + MINUTE
    barely(bot, bot.days[day]).mismatches = [line(at, difference)]
    found = bot.verdict()
    assert (found.verdict, found.day) == ("FAIL", bot.days[day]), found.reasons
    assert bot.verdict(day=bot.days[3]).verdict == "PASS", "of a day before it, it says nothing"


def test_a_difference_of_the_weekend_that_left_no_count_ends_the_count(bot: Bot) -> None:
    saturday = bot.desk.hours(bot.days[4])[0] + 24 * 60 * MINUTE
    barely(bot, bot.days[4]).mismatches = [line(saturday)]
    assert bot.verdict().verdict == "FAIL"


def test_a_quarantine_of_the_newest_day_that_left_no_count_ends_the_count(bot: Bot) -> None:
    at = bot.desk.hours(bot.days[4])[0] + MINUTE
    barely(bot, bot.days[4]).troubles = [Said("quarantined", "it raised", at, UNIT)]
    found = bot.verdict()
    assert (found.verdict, "it raised" in found.reasons[0]) == ("FAIL", True), found.reasons


def test_a_newest_day_of_which_only_a_kill_is_known_is_no_clean_day(bot: Bot) -> None:
    at = bot.desk.hours(bot.days[4])[0] + MINUTE
    barely(bot, bot.days[4]).troubles = [Said("killed", "it has no end", at)]
    assert (bot.verdict().verdict, bot.verdict().day) == ("INCONCLUSIVE", bot.days[4])


def test_differences_of_another_f_or_unit_make_no_newest_day_of_this_one_dirty(bot: Bot) -> None:
    at = bot.desk.hours(bot.days[4])[0] + MINUTE
    old = barely(bot, bot.days[4])
    old.header["fingerprints"], old.mismatches = {UNIT: "0ld"}, [line(at)]
    assert not any("dirty" in reason for reason in bot.verdict().reasons)
    other = barely(bot, bot.days[4])
    other.header["fingerprints"] = {"bot:size": "f"}
    other.mismatches = [{**line(at), "unit": "bot:size"}]
    bot.segments.remove(old)
    assert bot.verdict().verdict == "PASS"


def test_what_only_the_counters_say_to_differ_ends_the_count_as_status_says(bot: Bot) -> None:
    """The line of the difference was lost on a full disk, and the process killed before the next session line."""
    seen = barely(bot, bot.days[4])
    seen.counters[UNIT] |= {"compared": 5, "differed": 1}
    bot.write_down()
    path = sorted(bot.config.evidence.glob("*.seg"))[-1]
    segments.rewrite(path, lambda said: None if said["kind"] == "end" else said)
    [state] = reading.statuses(bot.config, reading.read_folder(bot.config.evidence))
    found = on_disk(bot)
    assert (state.verdict, found.verdict, found.day) == ("FAIL", "FAIL", bot.days[4]), found.reasons
    judged = judging.judge(bot.config, bot.group, journal.read(bot.config.evidence), "canary")
    assert judged.verdict == "FAIL"


def test_a_difference_that_an_earlier_file_of_its_process_tells_is_not_told_again_by_the_counters(bot: Bot) -> None:
    first, last = bot.day(bot.days[4]), bot.day(bot.days[5])
    for number, seen in enumerate((first, last)):
        seen.header |= {"process": "p", "number": number}
    first.mismatches = [line(bot.desk.hours(bot.days[4])[0] + MINUTE)]
    first.counters, last.counters = {}, {UNIT: last.counters[UNIT] | {"differed": 1}}
    assert [each.state for each in bot.sessions()[-2:]] == ["dirty", "clean"]


def test_the_first_count_of_a_day_is_on_the_disk_with_the_first_counters(tmp_path: Path, clock: Clock) -> None:
    segment = Segment(tmp_path, HEADER)
    day = {"minutes": [[1, 1]], "hours": {"0": [1, 1, 0, 0, 0]}}
    clock.pass_by(1.0)
    segment.counters(units(1, sessions={"2026-02-02": day}))
    clock.pass_by(1.0)
    segment.counters(units(2, sessions={"2026-02-02": day | {"minutes": [[1, 2]]}}))
    assert segment.path is not None
    assert len(segments.of_kind(segment.path, "session")) == 1, "after that it is every ten seconds"
    segment.counters(units(3, sessions={"2026-02-02": day, "2026-02-03": day}))
    assert [each["day"] for each in segments.of_kind(segment.path, "session")][-1] == "2026-02-03"
    segment.close()


def bad_monday(bot: Bot, how: str) -> None:
    """Evidence of Monday with three differences, after a last session on Friday; then nobody can read it."""
    bot.day(bot.days[4])
    at = bot.desk.hours(bot.days[5])[0]
    bot.day(bot.days[5], differed=3)
    bot.write_down()
    written = sorted(bot.config.evidence.glob("*.seg"))[-1]
    path = bot.config.evidence / f"{at}-desk1-99-0.seg"
    said = segments.lines(written)
    said[0].update(started_ns=at, process=f"{at}-desk1-99")
    written.unlink()
    path.write_bytes(segments.framed(*said))
    path.chmod(0o666 if how == "open to others" else 0o600)
    if how == "zeroed":
        path.write_bytes(b"\0" * path.stat().st_size)
    if how == "removed":
        members.enter(bot.config.evidence, path.name)
        path.unlink()


@pytest.mark.parametrize("how", ["open to others", "zeroed", "removed"])
def test_newest_evidence_that_nobody_can_read_lets_no_gate_pass_whatever_gap_lies_before_it(bot: Bot, how: str) -> None:
    bad_monday(bot, how)
    found = on_disk(bot)
    assert found.verdict == "INCONCLUSIVE", found.reasons
    assert any("nobody knows whether something differed" in reason for reason in found.reasons)
    assert on_disk(bot, day=bot.days[3]).verdict == "PASS", (
        "what was begun after the day that is asked for is no matter"
    )


def test_newest_evidence_that_can_be_read_fails(bot: Bot) -> None:
    bad_monday(bot, "not at all")
    assert on_disk(bot).verdict == "FAIL"


def test_the_bound_after_a_dirty_day_speaks_of_the_count_that_starts_again(
    bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    bot.day(bot.days[4], differed=3)
    bot.write_down()
    assert cli.main(["gate", "bars", "--config", str(bot.folder / "exuvia.toml")]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "4 clean sessions, 3 asked for, leave up to" in said
    assert "the count starts again with the next F: then 3 clean sessions are asked for" in said
    assert "4 of 3" not in said
    assert "0 more" not in said
