"""`exuvia worth` of what does not run when it is called, and of what is compiled."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from commands import exuvia, python
from exuvia.migrate.worth.counting import Counting
from exuvia.migrate.worth.timing import timed

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = """
def bars(n):
    total = 0
    for i in range(n):
        total += i * i % 7
        yield total
async def decide(n):
    total = 0
    for i in range(n):
        total += i * i % 7
    return total
class Window:
    def __init__(self, n):
        self.n = n
    def mean(self):
        return sum(i % 3 for i in range(self.n))
"""
SLOW = LIBRARY.replace("range(n)", "range(40 * n)").replace(
    "        yield total", "        if i % 40 == 39: yield total"
)
PROGRAM = """
import asyncio
from lib import bars, decide
for _ in range(40):
    sum(bars(5_000))
async def main():
    for _ in range(40):
        await decide(20_000)
asyncio.run(main())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lib.py").write_text(LIBRARY)
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "prog.py").write_text(PROGRAM)
    return tmp_path


def judged(folder: Path, *words: str) -> dict[str, Any]:
    done = exuvia(folder, "worth", "--json", "-o", "w.json", *words)
    assert "never awaited" not in done.stderr, done.stderr
    found = json.loads((folder / "w.json").read_text())["units"]
    return {unit["unit"].partition(":")[2]: unit for unit in found}


def test_what_coroutines_and_generators_compute_is_counted_as_they_run(project: Path) -> None:
    found = judged(project, "--unit", "lib:bars", "--unit", "lib:decide", "prog.py")
    for name in ("bars", "decide"):
        assert (found[name]["calls"], found[name]["verdict"]) == (40, "migrate"), found[name]
        assert found[name]["cpu_share"] > 0.1, found[name]


def test_a_slower_candidate_of_such_a_kind_is_found_out(project: Path) -> None:
    slower = [f"--candidate=lib:{name}=slow:{name}" for name in ("bars", "decide")]
    found = judged(project, "--unit", "lib:bars", "--unit", "lib:decide", *slower, "prog.py")
    for name in ("bars", "decide"):
        assert found[name]["speedup"] < 0.3, found[name]
        assert "the candidate is slower" in found[name]["why"], found[name]


def test_a_coroutine_that_waits_computes_nothing_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    (tmp_path / "waits.py").write_text("import asyncio\nasync def wait(n):\n    await asyncio.sleep(n)\n    return n\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with Counting(["waits:wait"]) as counting:
        import waits  # type: ignore[import-not-found]

        async def main() -> list[float]:
            return list(await asyncio.gather(*(waits.wait(0.1) for _ in range(5))))

        assert asyncio.run(main()) == [0.1] * 5
        with pytest.raises(TimeoutError):
            asyncio.run(asyncio.wait_for(waits.wait(30.0), 0.05))
    counted = counting.units["waits:wait"]
    assert counted.calls == 6
    assert counted.cpu_s < 0.05
    assert counted.wall_s < 0.05


def test_the_methods_of_a_compiled_class_are_counted(tmp_path: Path) -> None:
    (tmp_path / "prog.py").write_text(
        "from exuvia.quotes import QuoteBook\nbook = QuoteBook()\n"
        'text = b\'[{"Uic":21,"LastUpdated":"2014-05-07T00:00:07.135Z","Quote":{"Bid":1.39286,"Ask":1.39298}}]\'\n'
        "for _ in range(20_000):\n    book.apply(text)\n"
    )
    found = judged(tmp_path, "--unit", "exuvia.quotes:QuoteBook", "prog.py")["QuoteBook"]
    assert (found["calls"], found["importers"], found["verdict"]) == (20_000, ["prog.py"], "migrate")
    assert python(tmp_path, "-m", "cProfile", "-o", "p.prof", "prog.py").returncode == 0
    found = judged(tmp_path, "--profile", "p.prof", "--unit", "exuvia.quotes:QuoteBook")["QuoteBook"]
    assert (found["calls"], found["verdict"]) == (20_000, "migrate")


def test_a_compiled_function_that_is_passed_on_has_the_importers_of_both_names(tmp_path: Path) -> None:
    (tmp_path / "prog.py").write_text(
        "import numpy as np\nfrom exuvia import bars\nts = np.arange(0, 600_000, 7, dtype=np.int64) * 1_000_000_000\n"
        "for _ in range(60):\n    bars.bars_from_ticks(ts, 1.39 + ts * 1e-15, every='1m')\n"
    )
    found = judged(tmp_path, "--unit", "exuvia.bars:bars_from_ticks", "prog.py")["bars_from_ticks"]
    assert (found["calls"], found["importers"], found["verdict"]) == (60, ["prog.py"], "migrate")


def test_what_a_function_holds_inside_is_not_counted_as_its_calls(project: Path) -> None:
    (project / "prog.py").write_text("from lib import Window\nfor n in range(50):\n    Window(2_000).mean()\n")
    assert python(project, "-m", "cProfile", "-o", "p.prof", "prog.py").returncode == 0
    assert judged(project, "--profile", "p.prof", "--unit", "lib:Window.mean")["Window.mean"]["calls"] == 50


def test_arms_that_only_make_something_are_run_to_its_end() -> None:
    def quick(n: int) -> Any:
        yield from range(n)

    def slow(n: int) -> Any:
        yield from range(60 * n)

    async def fetch(n: int) -> int:
        return sum(range(n))

    async def fetch_slowly(n: int) -> int:
        return sum(range(60 * n))

    for legacy, candidate in ((quick, slow), (fetch, fetch_slowly)):
        times = timed(legacy, candidate, [((20_000,), {})] * 3)
        assert not isinstance(times, str)
        assert times[1] > 5 * times[0]
