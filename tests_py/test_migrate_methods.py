"""Units that are one method of a class, and what a candidate may call while it runs in shadow."""

from __future__ import annotations

from typing import Any

import exuvia.migrate
import pytest
import segments
from exuvia.migrate.evidence.record import LINES_A_PLACE, PLACES
from moult import Project, project

__all__ = ["project"]


@pytest.mark.parametrize(
    ("unit", "candidate", "call", "result"),
    [
        ("Tools.half", "half", lambda tools: tools.half(3), 1.5),
        ("Tools.named", "named", lambda tools: tools.named(3), "Tools 3"),
        ("Desk.double", "double", lambda tools: tools.__subclasses__()[0]().double(3.0), 6.0),
    ],
    ids=["static", "class", "super"],
)
def test_static_and_class_methods_and_those_that_call_super_are_moved(
    project: Project, unit: str, candidate: str, call: Any, result: object
) -> None:
    tools = project.legacy.Tools
    project.install(unit, candidate=candidate)
    assert call(tools) == result
    assert (project.status(unit).verdict, project.status(unit).counts["compared"]) == ("PASS", 1)
    exuvia.migrate.set_mode(project.unit(unit), "rust")
    assert call(tools) == result
    state = project.status(unit)
    assert (state.since_flip["legacy_calls"], state.since_flip["candidate_calls"]) == (0, 1)
    exuvia.migrate.uninstall()
    assert call(tools) == result


def test_a_unit_that_a_candidate_calls_serves_legacy_and_is_not_observed(project: Project) -> None:
    own = project.candidate.orders

    def orders(n: int) -> Any:
        assert project.legacy.mean([1.0, 3.0]) == 2.0
        return own(n)

    project.candidate.orders = orders
    project.install("mean", "orders")
    project.legacy.orders(2)
    assert project.status("orders").verdict == "PASS"
    assert project.status("mean").counts["compared"] == 0
    assert project.candidate.calls == []


def test_places_are_bounded_and_every_difference_counts_all_the_same(project: Project) -> None:
    project.install("by_key")
    for n in range(PLACES + 30):
        assert project.legacy.by_key(n) == {f"k{n}": n}
    state = project.status("by_key")
    assert state.counts["differed"] == PLACES + 30
    assert len(state.places) == PLACES + 1
    assert state.places["(further places)", "value"] == 30
    exuvia.migrate.uninstall()
    (segment,) = segments.files(project.folder / "evidence")
    assert len(segments.of_kind(segment, "mismatch")) == PLACES + LINES_A_PLACE


def test_an_argument_whose_repr_raises_is_named_and_the_difference_kept(project: Project) -> None:
    class Shy(list[int]):
        def __repr__(self) -> str:
            raise RuntimeError("not now")

    project.candidate.decode = lambda data: data[0] + 1
    project.install("decode")
    assert project.legacy.decode(Shy([1])) == 1
    (segment,) = segments.files(project.folder / "evidence")
    mismatch = segments.lines(segment)[-1]
    assert (mismatch["legacy"], mismatch["candidate"]) == ("1", "2")
    assert mismatch["arguments"] == "<a tuple whose repr raised RuntimeError>"
