"""Recorded calls: replay, A/A, diff and repro."""

from __future__ import annotations

import base64
import io
import json
import pickle
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import pytest
from commands import exuvia, python
from exuvia.migrate import Comparator
from exuvia.migrate.evidence.record import Record
from exuvia.migrate.evidence.segment import Segment
from exuvia.migrate.workbench.literal import written
from exuvia.migrate.workbench.selfnoise import proposal
from exuvia.migrate.workbench.shrink import shrunk

if TYPE_CHECKING:
    from pathlib import Path

BOT = """
import random, time
def price(rows, side="Buy"):
    if not rows:
        raise ValueError("no rows")
    return {"side": side, "total": sum(rows), "n": len(rows)}
def noisy(n):
    return {"n": n, "at": time.time_ns(), "order": list({"a", "b", "c", "d", "e"})}
class Book:
    def __init__(self, start=0):
        self.total = start
    def add(self, n):
        self.total += n
        return self.total
"""
SHIM = """
def price(rows, side="Buy"):
    if not rows:
        raise ValueError("no rows")
    return {"side": side, "total": sum(rows) + (1 if 13 in rows else 0), "n": len(rows)}
noisy = price
class Book:
    def __init__(self, start=0):
        self.total = start
    def add(self, n):
        self.total += n
        return -self.total if self.total > 100 else self.total
"""
CONFIG = """
[exuvia]
[unit."bot:price"]
candidate = "shim:price"
effect = "pure"
mode = "shadow"
[unit."bot:noisy"]
candidate = "shim:noisy"
effect = "pure"
[unit."bot:Book"]
candidate = "shim:Book"
effect = "pure"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in (("bot.py", BOT), ("shim.py", SHIM), ("exuvia.toml", CONFIG)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    return tmp_path


def record(folder: Path, unit: str, *calls: tuple[str, tuple[Any, ...], Any]) -> None:
    """Writes recorded calls as a trading program does: method, arguments, outcome."""
    segment = Segment(folder / "evidence", {"fingerprints": {unit: "x"}})
    kept = Record(unit, segment.write, record=1000)
    for number, (call, args, result) in enumerate(calls):
        raised = result if isinstance(result, Exception) else None
        outcome = (None if raised else result, raised)
        assert kept.sampled(call, pickle.dumps((args, {})), pickle.dumps(outcome), signature=number)
    segment.close()


def answer(rows: list[int]) -> dict[str, Any]:
    return {"side": "Buy", "total": sum(rows), "n": len(rows)}


def test_a_replay_passes_fails_and_knows_that_nothing_was_recorded(project: Path) -> None:
    empty = exuvia(project, "replay")
    assert (empty.returncode, "no call was recorded" in empty.stdout) == (3, True), empty
    calls = [("", ([100 + n, n],), answer([100 + n, n])) for n in range(12)]
    record(project, "bot:price", *calls, ("", ([],), ValueError("no rows")))
    few = exuvia(project, "replay", "bot:price")
    assert (few.returncode, "13 recorded calls, none differs, but 20 are needed" in few.stdout) == (3, True), few
    assert "record" in few.stdout
    record(project, "bot:price", *[("", ([200 + n],), answer([200 + n])) for n in range(7)])
    passed = exuvia(project, "replay", "bot:price", "--json")
    found = json.loads(passed.stdout)
    assert (passed.returncode, found["overall"], found["units"][0]["calls"]) == (0, "PASS", 20)
    assert found["units"][0]["drifted"] == 0
    record(project, "bot:price", ("", ([12, 13],), {"side": "Buy", "total": 24, "n": 2}))
    failed = exuvia(project, "replay", "bot:price")
    assert failed.returncode == 1
    assert "$.total (value): legacy 25, candidate 26" in failed.stdout
    assert "legacy itself answers 1 calls otherwise" in failed.stdout


def test_repro_fails_by_itself_with_small_arguments_and_passes_when_the_candidate_is_mended(project: Path) -> None:
    rows = [7, 99, 13, 4, 1000, 55]
    record(project, "bot:price", ("", ([1],), answer([1])), ("", (rows,), answer(rows)))
    made = exuvia(project, "repro", "bot:price", "--json")
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    file = project / found["file"]
    assert "([13],), {})" in file.read_text()
    assert str(project) not in file.read_text(), "it can be checked in and run elsewhere"
    (project / "exuvia.toml").unlink()
    lonely = project / "elsewhere"
    lonely.mkdir()
    file = file.rename(lonely / file.name)
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)]
    failed = python(lonely, *command)
    assert failed.returncode == 1, failed.stdout
    assert "$.total (value): legacy 13, candidate 14" in failed.stdout
    (project / "shim.py").write_text(BOT)
    mended = python(lonely, *command)
    assert mended.returncode == 0, mended.stdout


def test_repro_takes_the_call_that_is_named_and_says_when_nothing_differs(project: Path) -> None:
    record(project, "bot:price", *[("", ([n],), answer([n])) for n in (1, 13)], ("", ([13, 13],), answer([13, 13])))
    examples = json.loads(exuvia(project, "replay", "bot:price", "--json").stdout)["units"][0]["examples"]
    made = exuvia(project, "repro", "bot:price", "--id", examples[1]["id"], "--json")
    assert examples[1]["id"] in json.loads(made.stdout)["file"]
    beside = exuvia(project, "repro", "bot:price", "-o", "made/here", "--json")
    assert (project / json.loads(beside.stdout)["file"]).parent == project / "made" / "here"
    for words, said in (
        (("--id", "nope"), "no recorded call 'nope'"),
        (("-o", "bot.py"), "a file stands where the folder is to be"),
    ):
        done = exuvia(project, "repro", "bot:price", *words)
        assert (done.returncode, said in done.stderr) == (2, True), done
    (project / "shim.py").write_text(BOT)
    done = exuvia(project, "repro", "bot:price")
    assert (done.returncode, "nothing to reproduce" in done.stderr) == (2, True)
    unknown = exuvia(project, "repro", "bot:prise")
    assert (unknown.returncode, "did you mean 'bot:price'" in unknown.stderr) == (2, True)


def test_calls_of_an_object_are_played_in_order_and_shrunk_to_few(project: Path) -> None:
    calls = [("__init__", (5,), None), *[("add", (n,), None) for n in (1, 2, 90, 3, 4)]]
    record(project, "bot:Book", *calls)
    failed = exuvia(project, "replay", "bot:Book", "--json")
    assert failed.returncode == 1
    (example,) = json.loads(failed.stdout)["units"][0]["examples"]
    assert (example["call"], example["step"], example["legacy"]) == ("add", 4, "101")
    made = exuvia(project, "repro", "bot:Book", "--json")
    text = (project / json.loads(made.stdout)["file"]).read_text()
    assert text.count("('add',") == 3
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", json.loads(made.stdout)["file"]]
    assert python(project, *command).returncode == 1


def test_legacy_against_itself_finds_clock_and_hash_order_and_proposes_rules(project: Path) -> None:
    assert exuvia(project, "aa").returncode == 3
    record(project, "bot:noisy", *[("", (n,), None) for n in range(3)])
    record(project, "bot:price", *[("", ([n],), answer([n])) for n in range(20)])
    before = (project / "exuvia.toml").read_text()
    done = exuvia(project, "aa", "bot:noisy", "bot:price", "--json")
    noisy, price = json.loads(done.stdout)["units"]
    assert (done.returncode, noisy["verdict"], price["verdict"]) == (1, "FAIL", "PASS"), done
    assert {row["place"] for row in noisy["noise"]} >= {"$.at"}
    assert any(row["place"].startswith("$.order") for row in noisy["noise"])
    for place, rule in noisy["proposals"].items():
        Comparator({place: rule})
    assert (project / "exuvia.toml").read_text() == before
    shown = exuvia(project, "aa", "bot:noisy")
    assert "proposed, not installed" in shown.stdout


def test_legacy_that_equals_itself_on_few_calls_proves_nothing(project: Path) -> None:
    record(project, "bot:price", *[("", ([n],), answer([n])) for n in range(19)])
    few = exuvia(project, "aa", "bot:price")
    assert (few.returncode, "19 recorded calls, none differs, but 20 are needed" in few.stdout) == (3, True), few
    (one,) = json.loads(exuvia(project, "aa", "bot:price", "--json").stdout)["units"]
    assert (one["verdict"], "20 are needed" in one["reason"]) == ("INCONCLUSIVE", True)
    record(project, "bot:price", ("", ([99],), answer([99])))
    enough = exuvia(project, "aa", "bot:price")
    assert (enough.returncode, "equals itself (20 calls)" in enough.stdout) == (0, True), enough


def test_changed_arguments_that_nobody_can_read_are_counted_and_prove_nothing(project: Path) -> None:
    source = "import time\ndef log(out, n):\n    out.write(str({}))\n    return n\n"
    (project / "bot.py").write_text(source.format("time.time_ns()"))
    (project / "shim.py").write_text(source.format("-n"))
    (project / "exuvia.toml").write_text('[exuvia]\n[unit."bot:log"]\ncandidate = "shim:log"\neffect = "pure"\n')
    record(project, "bot:log", *[("", (io.StringIO(), n), n) for n in range(20)])
    for command in ("replay", "aa"):
        done = exuvia(project, command, "bot:log")
        assert done.returncode == 3, done
        assert "20 cases are not known to be equal: changed arguments could not be read" in done.stdout
        assert "what both sides did to the arguments cannot be compared: " in done.stdout
        (one,) = json.loads(exuvia(project, command, "bot:log", "--json").stdout)["units"]
        assert (one["verdict"], one["unread"], len(one["problems"])) == ("INCONCLUSIVE", 20, 1)
    done = exuvia(project, "repro", "bot:log")
    assert (done.returncode, "20 cases are not known to be equal" in done.stderr) == (2, True), done
    (project / "shim.py").write_text(source.format("n") + "    return -1\n".replace("-1", "n + 1"))
    (project / "shim.py").write_text(source.format("n").replace("return n", "return n + 1"))
    done = exuvia(project, "replay", "bot:log", "--json")
    (one,) = json.loads(done.stdout)["units"]
    assert (done.returncode, one["differed"], one["unread"]) == (1, 20, 0)


def test_a_recording_that_others_may_write_is_not_read(project: Path) -> None:
    rows = [13]
    record(project, "bot:price", ("", (rows,), answer(rows)))
    assert exuvia(project, "replay", "bot:price").returncode == 1
    for path in (project / "evidence").iterdir():
        path.chmod(0o666)
    refused = exuvia(project, "replay", "bot:price")
    assert refused.returncode in (2, 3), refused
    assert "13" not in refused.stdout


def test_a_recording_that_cannot_be_read_is_inconclusive_and_says_why(project: Path) -> None:
    segment = Segment(project / "evidence", {"fingerprints": {}})
    line = {"kind": "call", "unit": "bot:price", "call": "", "outcome": "!"}
    segment.write({**line, "arguments": "%%%"})
    gone = base64.b64encode(b"cnowhere\nthing\n.").decode()
    segment.write({**line, "arguments": gone})
    segment.close()
    done = exuvia(project, "replay", "bot:price")
    assert (done.returncode, "cannot be read" in done.stdout, "needs what is not here" in done.stdout) == (
        3,
        True,
        True,
    )


def test_diff_shows_path_both_values_and_arguments(project: Path) -> None:
    (project / "prog.py").write_text("import bot\nfor n in range(20):\n    bot.price([n, n])\n")
    assert exuvia(project, "diff", "bot:price").returncode == 3
    up = exuvia(project, "promote", "bot:price", "--to", "shadow", "--override", "for the test")
    assert up.returncode == 0, up
    config = (project / "exuvia.toml").read_text().replace('mode = "shadow"', 'mode = "shadow"\nisolation = "thread"')
    (project / "exuvia.toml").write_text(config)
    assert exuvia(project, "run", "prog.py").returncode == 0
    done = exuvia(project, "diff", "bot:price")
    assert done.returncode == 1, done
    for line in ("  - legacy     26", "  + candidate  27", "#1  $.total  value", "[13, 13]"):
        assert line in done.stdout, done.stdout
    answered = json.loads(exuvia(project, "diff", "bot:price", "--json").stdout)
    (found,) = answered["units"]
    assert (answered["overall"], found["verdict"], found["differences"][0]["current"]) == ("FAIL", "FAIL", True)
    every = exuvia(project, "diff")
    assert every.returncode == 1
    for name in ("bot:price: FAIL", "bot:noisy: INCONCLUSIVE", "bot:Book: INCONCLUSIVE"):
        assert name in every.stdout, every.stdout
    named = json.loads(exuvia(project, "diff", "--json").stdout)
    assert [one["unit"] for one in named["units"]] == ["bot:price", "bot:noisy", "bot:Book"]
    none = exuvia(project, "diff", "bot:price", "--path", "$.side")
    assert (none.returncode, "#1" in none.stdout) == (1, False)


class Side(Enum):
    BUY = "Buy"


class Point(NamedTuple):
    x: int
    y: float


@dataclass(frozen=True, slots=True)
class Row:
    """A record of a module that can be imported."""

    a: int
    b: Any


def test_values_are_written_as_source_and_make_themselves_again() -> None:
    values: list[Any] = [
        1.5, float("nan"), float("-inf"), -0.0, "é\n", b"\x00", (1,), {1, 2}, frozenset(), {"a": [None, True]},
        Decimal("2.50"), datetime(2026, 11, 21, 9, 30, tzinfo=UTC), timedelta(1), Fraction(1, 3), UUID(int=7), Side.BUY,
        Point(1, 2.0), {"deep": [(1, {2: b"x"})]}, Row(1, [Row(2, "x")]),
    ]  # fmt: skip
    for value in values:
        text, imports = written(value)
        space: dict[str, Any] = {}
        exec("\n".join(imports), space)  # noqa: S102 - of our own making
        assert Comparator().compare(value, eval(text, space)).equal, text  # noqa: S307 - the same
    assert "pickle" not in written(Row(1, Decimal(1)))[0]


def test_shrinking_keeps_what_it_must_and_ends() -> None:
    rows = [Row(n, f"text {n}") for n in range(30)]
    small = shrunk(rows, lambda found: any(row.a >= 7 for row in found))
    assert small == [Row(7, "")]
    asked = 0

    def never(_value: Any) -> bool:
        nonlocal asked
        asked += 1
        return False

    assert shrunk(rows, never, tries=50) == rows
    assert asked <= 50


def test_shrinking_makes_every_kind_of_value_smaller() -> None:
    def kept(value: Any) -> bool:
        return value["n"] > 10 and value["x"] > 1.23 and "z" in value["s"] and len(value["t"]) >= 1

    start = {"n": 999, "x": 98.76543, "s": "abczdef", "t": ([1, 2], [3]), "more": {"a": 1}}
    small = shrunk(start, kept)
    assert kept(small)
    assert small == {"n": 11, "x": small["x"], "s": "z", "t": ([],)}
    assert small["x"] in (99.0, 98.77)


def test_rules_are_proposed_by_how_far_values_are_apart() -> None:
    assert proposal("$.x", "value", "1.0", "1.5") == "abs:1"
    assert proposal("$.x", "value", "'a'", "'b'").startswith("ignore(")
    assert proposal("$.x", "value", "7", "8").startswith("ignore(")


def test_a_proposed_tolerance_covers_all_that_was_seen_or_there_is_none() -> None:
    near = [(f"{100 + k}.0", f"{100 + k}.{k:03}") for k in range(1, 9)]
    rule = proposal("$.mid", "value", *near[0], near[1:])
    assert rule == "abs:0.016"
    assert all(Comparator({"$": rule}).compare(float(one), float(other)).equal for one, other in near)
    drawn = [("0.031", "0.062"), ("0.1", "0.98"), ("0.5", "0.51")]
    assert proposal("$.r", "value", *drawn[0], drawn[1:]).startswith("ignore("), (
        "numbers drawn anew are near to nothing"
    )
    mixed = [("1.5", "1.5000001"), ("1.5", "nan")]
    assert proposal("$.x", "value", *mixed[0], mixed[1:]).startswith("ignore(")


@pytest.mark.parametrize("unit", [1.0, 1e3, 1e6])
def test_a_clock_gets_no_tolerance_of_the_moment(unit: float) -> None:
    now = time.time()
    pairs = [(repr(now * unit), repr((now + apart) * unit)) for apart in (1e-4, 2e-4)]
    assert proposal("$.ts", "value", *pairs[0], pairs[1:]).startswith("ignore(")


def test_a_call_that_several_processes_recorded_is_listed_once(project: Path) -> None:
    rows = [7, 99, 13]
    for _ in range(3):
        record(project, "bot:price", ("", (rows,), answer(rows)))
    found = json.loads(exuvia(project, "replay", "bot:price", "--json").stdout)["units"][0]
    assert (found["differed"], len(found["examples"])) == (3, 1)
