"""Recorded calls of days that were compacted and whose segments made room: repro, replay and aa read their tables."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING

import segments
from commands import exuvia
from exuvia.migrate.evidence import compact, quota
from exuvia.migrate.evidence.record import Record
from exuvia.migrate.evidence.segment import Segment
from test_workbench_calls import answer, project, record

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["project"]


def only_tables(folder: Path) -> None:
    """Compact every day, and let the segments make room."""
    evidence = folder / "evidence"
    compact.compact(evidence)
    quota.make_room(evidence, 1)
    assert segments.files(evidence) == []
    assert list(evidence.glob("date=*/calls-*.parquet"))


def test_replay_and_aa_read_the_calls_of_a_compacted_day(project: Path) -> None:
    record(project, "bot:price", *[("", ([100 + n, n],), answer([100 + n, n])) for n in range(13)])
    only_tables(project)
    record(project, "bot:price", *[("", ([200 + n],), answer([200 + n])) for n in range(7)])
    played = exuvia(project, "replay", "bot:price", "--json")
    found = json.loads(played.stdout)["units"][0]
    # The argument 13 is the candidate's fault.
    assert (played.returncode, found["calls"], found["drifted"], found["problems"]) == (0, 20, 0, []), played
    again = exuvia(project, "aa", "bot:price", "--json")
    assert json.loads(again.stdout)["units"][0]["calls"] == 20, again


def test_a_repro_is_written_of_a_call_that_only_a_table_has(project: Path) -> None:
    record(project, "bot:price", ("", ([1],), answer([1])), ("", ([7, 13, 9],), answer([7, 13, 9])))
    only_tables(project)
    made = exuvia(project, "repro", "bot:price", "--json")
    assert made.returncode == 0, made
    assert "([13],), {})" in (project / json.loads(made.stdout)["file"]).read_text()


def test_whose_calls_they_were_is_in_the_table_too(project: Path) -> None:
    segment = Segment(project / "evidence", {"fingerprints": {"bot:Book": "x"}})
    kept = Record("bot:Book", segment.write, record=1000)
    lives = [("__init__", (0,), None, 1, 0), ("__init__", (95,), None, 2, 0), ("add", (2,), 97, 2, 1)]
    for call, args, result, number, step in [*lives, ("add", (4,), 4, 1, 1), ("add", (8,), 105, 2, 2)]:
        assert kept.sampled(
            call, pickle.dumps((args, {})), pickle.dumps((result, None)), object_number=number, step=step
        )
    segment.close()
    only_tables(project)
    played = exuvia(project, "replay", "bot:Book")
    assert "life is not on record" not in played.stdout, played
    made = exuvia(project, "repro", "bot:Book", "--json")
    assert (made.returncode, json.loads(made.stdout or "{}").get("mixed")) == (0, False), made


def test_a_table_that_cannot_be_read_is_named(project: Path) -> None:
    record(project, "bot:price", ("", ([13],), answer([13])))
    only_tables(project)
    (table,) = project.glob("evidence/date=*/calls-*.parquet")
    table.chmod(0o666)
    for command in ("replay", "aa", "repro"):
        done = exuvia(project, command, "bot:price")
        said = done.stdout + done.stderr
        assert done.returncode in (2, 3), done
        assert f"{table.parent.name}/{table.name} cannot be read" in said
        assert "others may write it" in said
