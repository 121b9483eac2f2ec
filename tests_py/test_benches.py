"""The bench prints each row's goal beside its figures, whatever peers and limits the row has."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

BENCHES = Path(__file__).resolve().parent.parent / "benches"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`benches/run.py`, without its rows, which need the peers."""
    monkeypatch.syspath_prepend(str(BENCHES))
    spec = importlib.util.spec_from_file_location("bench_run", BENCHES / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    path = sys.path.copy()
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = path
    for name in [name for name in sys.modules if name == "rows" or name.startswith("rows.")]:
        del sys.modules[name]


def arm(nanoseconds: float) -> dict[str, float]:
    seconds = nanoseconds * 1e-9
    return {"min": seconds, "p50": seconds, "p95": seconds, "memory": 0}


@pytest.mark.parametrize(
    ("arms", "limits", "goal", "said"),
    [
        (
            {"exuvia": 40, "exuvia, spliced": 65, "wrapt": 800, "limit: called directly": 25},
            ["exuvia, spliced", "limit: called directly"],
            "at most 35 ns added",
            "**At most 35 ns added** is the goal. exuvia adds 15 ns by p50, 15 ns by min. "
            "exuvia, spliced adds 40 ns by p50, 40 ns by min. "
            "exuvia is 20.00× as fast as wrapt.",
        ),
        (
            {"exuvia": 2_000, "numpy.allclose": 12_000, "numpy.array_equal": 1_000},
            [],
            "5× as fast as numpy.allclose",
            "**5× as fast as numpy.allclose** is the goal. "
            "exuvia is 0.50× as fast as numpy.array_equal, 6.00× as fast as numpy.allclose.",
        ),
        (
            {"exuvia": 2_900, "limit: ==": 500},
            ["limit: =="],
            "at most 3 µs",
            "**At most 3 µs** is the goal. exuvia takes 2.9 µs.",
        ),
    ],
)
def test_the_goal_stands_beside_the_figure_that_it_is_about(
    run: Any, arms: dict[str, float], limits: list[str], goal: str, said: str
) -> None:
    assert run.table({name: arm(time) for name, time in arms.items()}, limits, goal)[-1] == said


def test_a_form_that_is_faster_than_a_direct_call_is_said_as_it_is(run: Any) -> None:
    arms = {"exuvia": arm(20), "limit: called directly": arm(25)}
    assert run.figures(arms, ["limit: called directly"]) == "exuvia adds -5 ns by p50, -5 ns by min."


def test_rows_that_are_not_there_are_an_error_and_no_empty_page(run: Any) -> None:
    with pytest.raises(SystemExit, match="no file of rows 'nosuch'"):
        run.load_rows("nosuch")
