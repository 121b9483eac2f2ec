"""What is said of a candidate whose speed cannot be measured after a run."""

from __future__ import annotations

from exuvia.migrate.worth import asking
from exuvia.migrate.worth.counting import Counted


def test_a_candidate_is_not_timed_without_a_call_to_time() -> None:
    for counted in (None, Counted()):
        assert asking._timed("json:loads", "json:loads", counted) == "no call of it was seen that could be timed"


def test_a_side_that_is_not_there_is_named_with_what_python_said() -> None:
    counted = Counted(calls=1, kept=[(("1",), {})])
    for unit, candidate, missing in (
        ("json:loads", "json:nowhere", "json:nowhere"),
        ("json:loads", "no_such_module:f", "no_such_module:f"),
        ("json:decoder.nowhere", "json:loads", "json:decoder.nowhere"),
    ):
        said = str(asking._timed(unit, candidate, counted))
        assert said.startswith(f"{missing} cannot be loaded: "), said
        assert "no_such_module" in said or "nowhere" in said.partition(": ")[2]
