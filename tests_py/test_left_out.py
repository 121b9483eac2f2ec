"""Calls that were not compared: each kind has a word of its own, with its count and its reason, wherever shown."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from commands import exuvia
from exuvia.migrate.evidence.record import Record
from exuvia.migrate.face import second, table
from exuvia.migrate.gates.verdict import UnitStatus
from test_cli import configure, project

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["project"]

UNIT = "bot:price"
OUT = "left out ×950: beyond the share that is compared (sample = 0.05), or made by a call that is compared"
ALONE = "left alone ×30: in quiet moments, 0.25 s in 5 s, which time the program by itself"


def state(sample: float | None = 0.05, **counts: int) -> UnitStatus:
    found = UnitStatus(UNIT, mode="shadow", sample=sample)
    found.add({"mode": "shadow", "legacy_calls": 1_000, "compared": 100, **counts})
    return found


def rendered(found: UnitStatus) -> str:
    out = io.StringIO()
    table.render([found], out=out)
    return " ".join(out.getvalue().split())


def test_status_says_how_many_calls_were_left_out_or_left_alone_and_why() -> None:
    found = state(unsampled=980, quiet=30)
    assert OUT in rendered(found)
    assert ALONE in rendered(found)
    told = found.as_dict()
    assert (told["unsampled"], told["quiet"]) == (980, 30)
    assert told["unsampled_why"] == {OUT.replace(" ×950", ""): 950, ALONE.replace(" ×30", ""): 30}
    assert found.verdict == "PASS", "no verdict hangs on what was never to be compared"


def test_status_says_nothing_of_calls_left_out_where_there_are_none() -> None:
    assert "left " not in rendered(state())
    assert state().as_dict()["unsampled_why"] == {}
    assert "left alone" not in rendered(state(unsampled=5))
    assert "left out" not in rendered(state(unsampled=5, quiet=5))


def test_a_share_that_is_not_known_is_not_named() -> None:
    assert "left out ×5: beyond the share that is compared, or" in rendered(state(sample=None, unsampled=5))


def test_a_call_that_was_to_be_compared_and_was_not_is_missed_and_nothing_else_is_called_so() -> None:
    lost = state(skipped=5, dropped=5, unsampled=980, quiet=30)
    assert lost.judged() == (
        "INCONCLUSIVE",
        "5 of 105 calls that were to be compared were missed: 4.76%, at most 0.1% may be",
    )
    shown = second.shadow([lost])
    heads = re.findall(r"<th[^>]*>([^<]*)</th>", shown)
    figures = re.findall(r"<td class=n>([^<]*)</td>", shown)
    assert dict(zip(heads[1:], figures, strict=True)) == {
        "left out": "950",
        "left alone": "30",
        "missed": "5",
        "dropped": "5",
    }
    for word in ("Left out:", "Left alone:", "Missed:", "Not comparable:"):
        assert word in shown
    for page in (shown, second.overhead([lost]), rendered(lost), lost.reason):
        assert "not sampled" not in page.lower()


def test_a_quiet_moment_is_counted_apart_from_the_share() -> None:
    written: list[dict[str, Any]] = []
    record = Record(UNIT, written.append, lambda: True)
    record.count("unsampled")
    record.count("unsampled")
    record.count("quiet")
    found = UnitStatus(UNIT)
    found.add(record.counters("shadow"))
    assert [(word, count) for word, count, _ in found.apart] == [("left out", 1), ("left alone", 1)]


@pytest.mark.parametrize("sample", [0.2])
def test_the_share_that_a_program_leaves_out_stands_in_status_and_report(project: Path, sample: float) -> None:
    configure(project, sample=sample)
    assert exuvia(project, "run", "-m", "prog", "400").returncode == 0
    unit = json.loads(exuvia(project, "status", "--json").stdout)["units"][0]
    assert unit["compared"] + unit["unsampled"] == 400
    ((why, count),) = unit["unsampled_why"].items()
    assert (count, "sample = 0.2" in why, unit["verdict"]) == (unit["unsampled"], True, "PASS")
    text = " ".join(exuvia(project, "status").stdout.split())
    assert f"left out ×{unit['unsampled']:,}: beyond the share that is compared (sample = 0.2)" in text
    assert exuvia(project, "report", "-o", "out.html").returncode == 0
    assert "left out" in (project / "out.html").read_text(encoding="utf-8")
