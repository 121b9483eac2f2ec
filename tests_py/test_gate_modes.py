"""In which mode a session was: while it was open, and whatever a drill did for some seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from exuvia.migrate import load
from exuvia.migrate.cli import main as cli
from exuvia.migrate.gates import judge, selftest
from exuvia.migrate.gates.alive import MINUTE
from exuvia.migrate.modes import journal
from gate_files import SECOND, UNIT, Bot, Desk, Seen

if TYPE_CHECKING:
    from pathlib import Path

OVERNIGHT = 18 * 60 * MINUTE


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparator's self-test is a test of its own: here it caught everything."""
    monkeypatch.setattr(selftest, "trouble", lambda *_: None)


def canary(folder: Path, calendar: str = "XNYS") -> tuple[Bot, Seen]:
    """Three sessions in canary, and the process of the last."""
    bot = Bot(folder, calendar)
    for day in bot.days[:3]:
        seen = bot.day(day, mode="canary")
        seen.modes = [{"unit": UNIT, "mode": "canary", "at": bot.desk.hours(day)[0] - OVERNIGHT}]
    return bot, seen


def flips(*said: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"unit": UNIT, "mode": mode, "at": at} for mode, at in said]


def drilled(*said: tuple[str, int, bool]) -> journal.Journal:
    """A journal of flips of the group: mode, time, and whether it was for a drill."""
    found = journal.Journal()
    for mode, at, drill in said:
        found.take({"v": 2, "unit": "bars", "units": [UNIT], "mode": mode, "ns": at, "reason": "x", "drill": drill})
    return found


def verdict(bot: Bot, said: journal.Journal, to: str = "rust") -> judge.GroupVerdict:
    return judge.group_verdict(bot.config, bot.group, bot.segments, said, to=to)


def test_a_flip_after_the_close_is_not_of_the_session_before_it(tmp_path: Path) -> None:
    bot, seen = canary(tmp_path)
    close = bot.desk.hours(bot.days[2])[1]
    seen.modes += flips(("legacy", close + 30 * MINUTE), ("canary", close + 33 * MINUTE))
    found = verdict(bot, journal.Journal())
    assert (found.verdict, found.sessions[-1].modes) == ("PASS", ("canary",)), found.notes


def test_a_flip_before_the_open_is_of_the_session_that_follows(tmp_path: Path) -> None:
    bot, seen = canary(tmp_path)
    opened = bot.desk.hours(bot.days[2])[0]
    seen.modes = flips(("shadow", opened - OVERNIGHT), ("canary", opened - MINUTE))
    assert verdict(bot, journal.Journal()).sessions[-1].modes == ("canary",)


def test_a_flip_in_the_session_is_of_it_up_to_its_last_minute(tmp_path: Path) -> None:
    bot, seen = canary(tmp_path)
    seen.modes += flips(("legacy", bot.desk.hours(bot.days[2])[1] - 1))
    found = verdict(bot, journal.Journal())
    assert (found.verdict, found.sessions[-1].modes) == ("INCONCLUSIVE", ("canary", "legacy"))


@pytest.mark.parametrize("calendar", ["XNYS", "24/7"])
def test_a_drill_that_put_the_group_back_costs_no_session(tmp_path: Path, calendar: str) -> None:
    bot, seen = canary(tmp_path, calendar)
    at = bot.desk.hours(bot.days[2])[0] + 60 * MINUTE
    seen.modes += flips(("legacy", at + SECOND), ("canary", at + 4 * SECOND))
    assert verdict(bot, journal.Journal()).verdict == "INCONCLUSIVE", "a rollback does"
    said = drilled(("legacy", at, True), ("canary", at + 3 * SECOND, True))
    found = verdict(bot, said)
    assert (found.verdict, found.sessions[-1].modes) == ("PASS", ("canary",)), found.notes


@pytest.mark.parametrize("after", [(), (("canary", False),)])
def test_a_drill_that_failed_costs_the_session(tmp_path: Path, after: tuple[tuple[str, bool], ...]) -> None:
    bot, seen = canary(tmp_path)
    at = bot.desk.hours(bot.days[2])[0] + 60 * MINUTE
    seen.modes += flips(("legacy", at + SECOND), ("canary", at + 4 * SECOND))
    said = drilled(("legacy", at, True), *((mode, at + 3 * SECOND, drill) for mode, drill in after))
    assert verdict(bot, said).verdict == "INCONCLUSIVE"


def test_a_rollback_on_the_day_of_a_drill_costs_the_session(tmp_path: Path) -> None:
    bot, seen = canary(tmp_path)
    at = bot.desk.hours(bot.days[2])[0] + 60 * MINUTE
    seen.modes += flips(("legacy", at + SECOND), ("canary", at + 4 * SECOND), ("legacy", at + 60 * SECOND))
    said = drilled(("legacy", at, True), ("canary", at + 3 * SECOND, True), ("legacy", at + 60 * SECOND, False))
    assert verdict(bot, said).verdict == "INCONCLUSIVE"


# --- groups that are observed by their artefacts ---

SIDES = """[exuvia]
[group.p]
calendar = "{calendar}"
sessions = 2
[group.p.gate.equity]
kind = "count"
key = ["ts"]
abs = 0
"""


def sided(folder: Path, calendar: str = "24/7", days: int = 6) -> Desk:
    at = Desk(folder, SIDES.format(calendar=calendar), "p", calendar)
    for day in at.days[:days]:
        rows = [{"ts": ts, "equity": "100.00"} for ts in at.every(day, 60)]
        at.both(day, "equity.jsonl", rows, rows)
    return at


def step(at: Desk, *said: tuple[str, int]) -> journal.Journal:
    found = journal.Journal()
    for mode, ns in said:
        found.take({"v": 2, "unit": "p", "mode": mode, "ns": ns, "reason": "x"})
    return found


def judged(at: Desk, said: journal.Journal, to: str) -> judge.GroupVerdict:
    config = load(at.folder / "exuvia.toml")
    return judge.group_verdict(config, config.groups["p"], [], said, to=to)


def test_artefacts_climb_no_step_on_the_sessions_of_the_step_before(tmp_path: Path) -> None:
    at = sided(tmp_path)
    assert judged(at, step(at), "canary").verdict == "PASS", "side by side is what shadow is"
    first, second, third = (at.hours(at.days[number])[0] for number in (2, 3, 4))
    for said, verdict, clean in (
        (step(at), "INCONCLUSIVE", 0),
        (step(at, ("canary", third + 1)), "INCONCLUSIVE", 1),
        (step(at, ("canary", third - 1)), "PASS", 2),
        (step(at, ("canary", first - 1), ("legacy", second + 1)), "INCONCLUSIVE", 1),
        (step(at, ("canary", first - 1), ("legacy", second + 1), ("canary", third + 1)), "PASS", 2),
        (step(at, ("canary", first - 1), ("rust", second + 1)), "INCONCLUSIVE", 1),
    ):
        found = judged(at, said, "rust")
        assert (found.verdict, found.bounds["days"]["clean"]) == (verdict, clean), (found.reasons, said.lines)
        assert any("those count that open after the promotion to canary" in note for note in found.notes)
    both = step(at, ("canary", first - 1), ("rust", third))
    assert (judged(at, both, "rust").verdict, judged(at, both, "retired").verdict) == ("PASS", "PASS")


def test_artefacts_that_differ_end_the_count_in_whatever_step(tmp_path: Path) -> None:
    at = sided(tmp_path)
    rows = [{"ts": ts} for ts in at.every(at.days[0], 60)]
    at.both(at.days[0], "equity.jsonl", rows, rows[1:])
    assert judged(at, step(at, ("canary", at.hours(at.days[4])[0] - 1)), "rust").verdict == "FAIL"


def test_no_process_is_said_to_follow_where_none_runs_through_exuvia(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sided(tmp_path)
    path = str(tmp_path / "exuvia.toml")
    assert cli.main(["promote", "p", "--to", "shadow", "--config", path]) == 0
    assert cli.main(["rollback", "p", "--config", path]) == 0
    assert cli.main(["rollback", "--config", path]) == 0
    said = capsys.readouterr().out
    assert "follow within" not in said
    assert said.count("no process follows by itself: switch the programs") == 3
