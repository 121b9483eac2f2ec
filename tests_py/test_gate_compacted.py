"""What a gate knows of days that were compacted and whose segments made room."""

from __future__ import annotations

import base64
import pickle
from typing import TYPE_CHECKING, Any

import pytest
import segments
from exuvia.migrate.evidence import compact, quota, reading, recorded
from exuvia.migrate.gates import judge, samples
from exuvia.migrate.modes import journal
from gate_files import UNIT, Bot

if TYPE_CHECKING:
    from pathlib import Path

RESULT = [1.25, "Buy", {"quantity": 10}]


def text(value: object) -> str:
    return base64.b64encode(pickle.dumps(value)).decode()


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    """Four clean sessions with a recorded call each, compacted, and their segments gone."""
    bot = Bot(tmp_path, sessions=3)
    for number, day in enumerate(bot.days[:4]):
        call: dict[str, Any] = {"unit": UNIT, "arguments": text(((number,), {})), "outcome": text((RESULT, None))}
        bot.day(day).calls = [call]
    bot.write_down()
    assert verdict(bot).verdict == "PASS"
    compact.compact(bot.config.evidence)
    quota.make_room(bot.config.evidence, 1)
    assert segments.files(bot.config.evidence) == []
    return bot


def verdict(bot: Bot) -> judge.GroupVerdict:
    found = reading.read_folder(bot.config.evidence)
    return judge.group_verdict(bot.config, bot.group, found, journal.read(bot.config.evidence))


def test_days_that_made_room_still_tell_what_was_recorded(bot: Bot) -> None:
    found = verdict(bot)
    assert (found.verdict, found.reasons) == ("PASS", [])
    held = [call for segment in reading.read_folder(bot.config.evidence) for call in recorded.calls(segment, [])]
    read = samples.read([call["outcome"] for call in held], samples.plain)
    assert (read.samples, read.calls, read.why) == ([RESULT] * 4, 4, "")


@pytest.mark.parametrize("how", ["removed", "changed", "open to others"])
def test_a_table_of_calls_that_cannot_be_read_is_named_and_not_taken_for_none(bot: Bot, how: str) -> None:
    tables = sorted(bot.config.evidence.glob("date=*/calls-*.parquet"))
    assert tables
    for path in tables:
        if how == "removed":
            path.unlink()
        elif how == "changed":
            path.write_bytes(path.read_bytes()[:-1] + b"0")
        else:
            path.chmod(0o666)
    found = verdict(bot)
    assert found.verdict == "INCONCLUSIVE"
    (reason,) = (reason for reason in found.reasons if "self-test" in reason)
    assert f"{tables[0].parent.name}/{tables[0].name} cannot be read" in reason
    assert "a process records a call of each kind anew" in reason
    assert "no call was recorded" not in reason


def test_new_calls_stand_for_those_that_cannot_be_read(bot: Bot) -> None:
    for path in bot.config.evidence.glob("date=*/calls-*.parquet"):
        path.unlink()
    bot.segments.clear()
    call = {"unit": UNIT, "arguments": text(((9,), {})), "outcome": text((RESULT, None))}
    bot.day(bot.days[4]).calls = [call]
    bot.write_down()
    [path] = segments.files(bot.config.evidence)
    segments.rewrite(path, lambda line: {**line, "process": "p9"} if line["kind"] == "header" else line)
    path.rename(bot.config.evidence / "1770300000000000000-desk1-9-0.seg")
    assert verdict(bot).verdict == "PASS"
