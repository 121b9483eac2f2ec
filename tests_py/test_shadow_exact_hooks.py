"""Where it is declared, pickling runs what the program's classes have for it: contained, put back, and counted."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from exuvia.migrate.shadow.weighing import LARGEST, weight
from shadowing import Shadowed, shadowed

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["shadowed"]

SAME = """
def same(value):
    return 7
def made(size):
    return bytearray(size)
"""

RUN = 'pickling = "run"'
RAN: list[str] = []


class Hooked:
    """What is pickled does something."""

    def __init__(self, do: Callable[[], Any]) -> None:
        self.do = do

    def __getstate__(self) -> dict[str, Any]:
        RAN.append("state")
        self.do()
        return {}


def leave() -> None:
    raise SystemExit(3)


def lose() -> None:
    raise GeneratorExit


@pytest.mark.parametrize("do", [leave, lose])
def test_what_a_hook_raises_stays_with_the_observer(shadowed: Shadowed, do: Callable[[], Any]) -> None:
    shadowed.write(SAME, SAME)
    shadowed.install("same", more=RUN)
    assert shadowed.legacy.same(Hooked(do)) == 7
    found = shadowed.counts("same")
    assert found["compared"] == 0
    assert any(why.startswith("arguments cannot be pickled") for why in found["reasons"])


def test_a_hook_that_changes_the_environment_is_undone_and_its_sample_lost(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EXUVIA_KEPT", "as it was")
    monkeypatch.setenv("EXUVIA_GONE", "still here")
    monkeypatch.chdir(tmp_path)

    def change() -> None:
        os.environ["EXUVIA_HOOK"] = "1"
        os.environ["EXUVIA_KEPT"] = "altered"
        os.environ.pop("EXUVIA_GONE", None)
        os.chdir("/")

    shadowed.write(SAME, SAME)
    shadowed.install("same", more=RUN)
    for _ in range(3):
        before = dict(os.environ), Path.cwd()
        assert shadowed.legacy.same(Hooked(change)) == 7
        assert (dict(os.environ), Path.cwd()) == before
    found = shadowed.counts("same")
    assert found["compared"] == 0
    assert list(found["reasons"]) == [
        "pickling it changed the environment or the working directory, which were put back"
    ]


def test_a_hook_runs_once_before_the_call_and_once_after_it(shadowed: Shadowed) -> None:
    shadowed.write(SAME, SAME)
    shadowed.install("same", more=RUN)
    RAN.clear()
    for _ in range(5):
        shadowed.legacy.same(Hooked(int))
    assert len(RAN) == 10


@pytest.mark.parametrize("how", ["argument", "inside", "result"])
def test_what_is_too_large_is_lost_at_once(shadowed: Shadowed, how: str) -> None:
    shadowed.write(SAME, SAME)
    shadowed.install("same", "made")
    size = 200_000_000
    large = bytearray(size) if how != "result" else b""
    call: dict[str, Callable[[], Any]] = {
        "argument": lambda: shadowed.legacy.same(large),
        "inside": lambda: shadowed.legacy.same({"rows": [1, {"all": large}]}),
        "result": lambda: shadowed.legacy.made(size),
    }
    shadowed.legacy.same(1)
    shadowed.settle()
    started = time.process_time()
    call[how]()
    assert time.process_time() - started < 0.25
    found = shadowed.counts("made" if how == "result" else "same")
    what = "the result" if how == "result" else "arguments"
    assert found["reasons"] == {f"{what}: above 16 MiB, which is not copied": 1}


def test_a_weight_is_that_of_what_is_large() -> None:
    np = pytest.importorskip("numpy")
    pd = pytest.importorskip("pandas")
    pa = pytest.importorskip("pyarrow")
    big = np.zeros(3_000_000)

    class Held:
        def __init__(self) -> None:
            self.array = big

    tables = [pd.DataFrame({"x": big}), pa.table({"x": big}), pd.Series(big)]
    for large in [big, *tables, [1, big], {"x": (big,)}, Held(), memoryview(big), "x" * LARGEST + "y"]:
        assert weight(large) > LARGEST, type(large)
    for small in [None, 1, "EURUSD", [1.0] * 1000, {"a": {"b": [1, 2]}}, np.zeros(10), object()]:
        assert weight(small) < 10_000
