"""In which mode a session was: while it was open, and whatever a drill did for some seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from exuvia.migrate.gates import judge, selftest
from exuvia.migrate.gates.alive import MINUTE
from exuvia.migrate.modes import journal
from gate_files import SECOND, UNIT, Bot, Seen

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
