"""Recorded calls of a class know their object: its life is played again, and what cannot be rebuilt is said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from commands import exuvia, python
from exuvia import migrate
from exuvia.migrate.evidence.segment import Segment
from exuvia.migrate.shadow.history import HELD_BYTES, LONGEST, RECORDED, Lives
from exuvia.migrate.workbench import recordings
from exuvia.migrate.workbench.sides import Sides, acting, cases_of, not_rebuilt
from shadowing import Shadowed, shadowed

__all__ = ["shadowed"]

LEGACY = """
class Book:
    def __init__(self, start=0):
        self.rows = [start]
        self._limit = 9
    def add(self, row):
        self.rows.append(row)
        return len(self.rows)
    @property
    def limit(self):
        return self._limit
    @limit.setter
    def limit(self, value):
        self._limit = value
"""
CANDIDATE = LEGACY.replace("return len", "return -1 if (self.rows, self._limit) == ([17, 'a', 'b'], 3) else len")
"""It differs for one object of many, by its own history alone."""


def moulted(shadowed: Shadowed, mode: str) -> str:
    """Has 40 objects live at once, one of which differs, and writes what was recorded; returns the unit's name."""
    shadowed.write(LEGACY, CANDIDATE)
    shadowed.install("Book", mode=mode, more='sample = 0.999999\nwhen_full = "wait"')
    books = [shadowed.legacy.Book(n) for n in range(40)]
    for book in books[::2]:
        book.limit = 5
    books[17].limit = 3
    for row in ("a", "b", "c"):
        for book in books:
            book.add(row)
    assert books[17].limit == 3
    shadowed.settle()
    name = f"{shadowed.legacy_name}:Book"
    migrate.uninstall()
    segment = Segment(shadowed.folder / "evidence", {"fingerprints": {name: "x"}})
    for line in shadowed.kept("call"):
        segment.write(line)
    segment.close()
    return name


@pytest.mark.parametrize("mode", ["shadow", "rust"])
def test_repro_makes_the_very_object_again_that_differed_among_many(shadowed: Shadowed, mode: str) -> None:
    name = moulted(shadowed, mode)
    (mismatch,) = shadowed.kept("mismatch")
    assert mismatch["object"] == 18
    made = exuvia(shadowed.folder, "repro", name, "--json")
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert (found["legacy"], found["candidate"], found["mixed"]) == ("3", "-1", False)
    text = (shadowed.folder / found["file"]).read_text()
    for step in ("('__init__', (17,), {})", "('limit', (3,), {})", "('add', ('a',), {})", "('add', ('b',), {})"):
        assert text.count(step) == 1, text
    assert text.count("('add',") == 2
    test = ("-m", "pytest", "-q", "-p", "no:cacheprovider", found["file"])
    failed = python(shadowed.folder, *test)
    assert (failed.returncode, "legacy 3, candidate -1" in failed.stdout) == (1, True), failed.stdout
    (shadowed.folder / f"{shadowed.candidate_name}.py").write_text(LEGACY)
    assert python(shadowed.folder, *test).returncode == 0


def test_the_first_objects_are_recorded_whole_and_calls_of_the_rest_are_said_to_be_mixed(shadowed: Shadowed) -> None:
    name = moulted(shadowed, "shadow")
    config = migrate.load(shadowed.folder / "exuvia.toml")
    calls = recordings.read(config).of(name)
    assert all(call.object for call in calls)
    cases = cases_of(Sides(config.units[name]), calls)
    whole = [case for case in cases if not case.mixed]
    lives = {case.steps[0].args[0]: [step.call for step in case.steps] for case in whole}
    assert {0, 1, 2, 3, 17} <= set(lives)
    assert lives[1] == ["__init__", "add", "add", "add"]
    assert lives[2] == ["__init__", "limit", "add", "add", "add"]
    said = json.loads(exuvia(shadowed.folder, "replay", "--json").stdout)["units"][0]
    assert (said["differed"], said["problems"]) == (1, [])
    mixed = not_rebuilt(cases)
    assert said["notes"] == ([mixed] if mixed else [])


def test_repro_says_plainly_where_objects_cannot_be_rebuilt(shadowed: Shadowed) -> None:
    name = moulted(shadowed, "shadow")
    for file in (shadowed.folder / "evidence").iterdir():
        file.unlink()
    segment = Segment(shadowed.folder / "evidence", {"fingerprints": {name: "x"}})
    for line in shadowed.kept("call"):
        segment.write({**line, "step": None})
    segment.close()
    made = exuvia(shadowed.folder, "repro", name)
    assert made.returncode == 2
    assert "objects whose life is not on record from its making on" in made.stderr
    assert "on one object" in exuvia(shadowed.folder, "replay", name).stdout


def test_a_life_with_a_gap_is_played_up_to_it_and_the_rest_is_mixed() -> None:
    class Two:
        is_class = True

    def call(step: int | None, *args: Any, number: int = 1) -> recordings.Call:
        name = "__init__" if step == 0 else "add"
        return recordings.Call("a:B", f"id{step}", name, args, {}, segment="s", object=number, step=step)

    calls = [call(1, "a"), call(0, 5), call(3, "c"), call(None, "x", number=2)]
    cases = cases_of(Two(), calls)
    assert [[step.call for step in case.steps] for case in cases] == [["__init__", "add"], ["__init__", "add", "add"]]
    assert [case.mixed for case in cases] == [False, True]
    assert (not_rebuilt(cases) or "").startswith("2 recorded calls")
    assert not_rebuilt(cases[:1]) is None


def test_lives_are_held_back_within_bounds_and_told_once() -> None:
    lives = Lives(record=1)
    made = [lives.begun() for _ in range(100_000)]
    assert sum(life.recorded for life in made) == RECORDED
    held = next(life for life in made if life.kept)
    assert [lives.lived(held, ("add", n, b"a", b"o")) for n in range(3)] == [None] * 3
    assert [call[1] for call in lives.told(held)] == [0, 1, 2]
    assert lives.told(held) == []
    assert [lives.lived(made[0], ("add", 0, b"", b"")) for _ in range(LONGEST + 2)] == [*range(LONGEST), None, None]
    big = [life for life in made if life.kept][:3]
    for life in big:
        lives.lived(life, ("add", 0, bytes(HELD_BYTES // 2), b""))
    assert ([life.kept for life in big], lives.size) == ([True, True, False], HELD_BYTES)
    for life in big:
        lives.forget(life)
    assert lives.size == 0
    nothing = Lives(record=0).begun()
    assert (nothing.recorded, nothing.kept) == (False, False)


def test_a_step_calls_reads_or_writes_as_the_class_says() -> None:
    class Point:
        x = 1

        def twice(self) -> int:
            return self.x * 2

    point = Point()
    acting(point, "x")(4)
    assert (acting(point, "x")(), acting(point, "twice")()) == (4, 8)
