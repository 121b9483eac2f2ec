"""The verdicts of `exuvia worth` on made-up times: Amdahl, borders, importers, and what a look finds."""

from __future__ import annotations

import importlib
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from exuvia.migrate.cli import main as cli
from exuvia.migrate.worth import face, hot, imports
from exuvia.migrate.worth.border import crosses, measure
from exuvia.migrate.worth.judge import Measured, gain, judge
from exuvia.migrate.worth.sampler import Sampler
from exuvia.migrate.worth.source import find_unit
from exuvia.migrate.worth.stacks import Frame, Profile

if TYPE_CHECKING:
    from pathlib import Path


def judged(source: str, tmp_path: Path, times: dict[str, float], **more: Any) -> Any:
    """Judge `m:f` of a source; times of it by kind, the rest of 10 s computes elsewhere."""
    (tmp_path / "m.py").write_text(textwrap.dedent(source))
    (tmp_path / "user.py").write_text("import m\nm.f([])\n")
    profile = Profile("made", seconds=10.0)
    for kind, seconds in times.items():
        profile.add((Frame(str(tmp_path / "m.py"), 1, "f"),), kind, seconds)
    profile.add((Frame("elsewhere.py", 1, "g"),), "compute", 10.0 - sum(times.values()))
    users = imports.read(tmp_path).users("m:f")
    return judge(find_unit("m:f", [tmp_path]), profile, users, **more)


def test_a_unit_that_only_computes_is_never_said_to_wait(tmp_path: Path) -> None:
    plain = "def f(x):\n    return x\n"
    profile = Profile("made", seconds=100.0)
    profile.add((Frame(str(tmp_path / "m.py"), 1, "f"),), "compute", 1.0)
    profile.add((Frame("elsewhere.py", 1, "g"),), "sleep", 99.0)
    (tmp_path / "m.py").write_text(plain)
    found = judge(find_unit("m:f", [tmp_path]), profile, imports.read(tmp_path).users("m:f"))
    assert (found.verdict, "the program waits" in found.why) == ("no: under 2 %", True)
    busy = Profile("made", seconds=1.0)
    busy.add((Frame(str(tmp_path / "m.py"), 1, "f"),), "compute", 1.0)
    unused = judge(find_unit("m:f", [tmp_path]), busy, imports.read(tmp_path).users("m:f"))
    assert (unused.verdict, "no file of the project imports" in unused.why) == ("no: nobody calls it", True)
    slower = judged(plain, tmp_path, {"compute": 0.001}, measured=Measured(0.99, "here"))
    assert [line for line in face.lines([slower], profile) if "-0.0" in line] == []


def test_compute_and_waiting_of_a_thread_come_to_the_time_it_was_watched() -> None:
    sampler = Sampler()
    code = (judged.__code__,)
    # Samples saw a second of compute and two of sleep, the thread's clock says that it computed for 1.5 s.
    sampler._stacks.update({(code, "MainThread", "compute"): 1.0, (code, "MainThread", "sleep"): 2.0})
    sampler._cpu[1], sampler._ended = ("MainThread", 0.0, 1.5), 3.0
    profile = sampler.profile()
    assert (profile.total("compute"), profile.total("sleep"), profile.wall) == (1.5, 1.5, 3.0)


def test_amdahl_with_a_measured_candidate_decides(tmp_path: Path) -> None:
    assert gain(0.5, 2.0) == 0.25
    plain = "def f(x):\n    return x\n"
    fast = judged(plain, tmp_path, {"compute": 5.0}, measured=Measured(10.0, "here"))
    assert (fast.verdict, round(fast.gain, 3)) == ("migrate", 0.45)
    useless = judged(plain, tmp_path, {"compute": 5.0}, measured=Measured(0.9, "here"))
    assert (useless.verdict, useless.gain < 0) == ("no: under 2 %", True)
    assert judged(plain, tmp_path, {"compute": 0.1}, measured=Measured(99.0, "here")).verdict == "no: under 2 %"
    differs = judged(plain, tmp_path, {"compute": 5.0}, measured="the candidate differs")
    assert (differs.verdict, differs.speedup, "differs" in differs.measured) == ("migrate", None, True)


def test_lists_that_cross_and_rows_that_are_walked_are_vectorised(tmp_path: Path) -> None:
    rowwise = "def f(frame):\n    return [frame.iloc[i] for i in range(3)]\n"
    assert judged(rowwise, tmp_path, {"compute": 5.0}).verdict == "vectorise instead"
    from exuvia.migrate.worth.counting import Counted

    lists = Counted(calls=1000)
    lists.crossed([[0.5] * 200_000])
    plain = "def f(x):\n    return sum(x)\n"
    found = judged(plain, tmp_path, {"compute": 5.0}, counted=lists, measured=Measured(0.08, "here", crosses=True))
    assert found.verdict == "vectorise instead"
    assert "200,001 objects" in found.why


def test_a_slower_candidate_is_called_slower_and_nothing_is_said_to_cross_that_does_not(tmp_path: Path) -> None:
    from exuvia.migrate.worth.counting import Counted

    lists, plain = Counted(calls=1000), "def f(x):\n    return sum(x)\n"
    lists.crossed([[0.5] * 200_000])
    with_lists = judged(
        plain, tmp_path, {"compute": 5.0}, counted=lists, measured=Measured(0.57, "here", crosses=False)
    )
    without = judged(plain, tmp_path, {"compute": 5.0}, measured=Measured(0.57, "here", crosses=False))
    assert with_lists.verdict == without.verdict == "no: under 2 %", "one cause, one verdict"
    assert with_lists.why == without.why
    assert without.why == (
        "the candidate is slower: 0.57× as fast as legacy, which adds 37.7% to the whole time "
        "(the unit is 50% of the CPU time)"
    )
    unknown = judged(plain, tmp_path, {"compute": 5.0}, counted=lists, measured=Measured(0.57, "here"))
    assert (unknown.verdict, "if they cross into Rust" in unknown.why) == ("no: under 2 %", True)
    small = judged(plain, tmp_path, {"compute": 5.0}, measured=Measured(1.01, "here"))
    assert "slower" not in small.why


def test_only_what_reaches_compiled_code_crosses_a_border(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(
        "import math\nfrom exuvia import bars\nimport exuvia._exuvia as core\n"
        "def plain(xs):\n    return math.fsum(x * x for x in xs)\n"
        "def over(xs):\n    return plain(xs)\n"
        "def rust(xs):\n    return bars.aggregate(xs, every='5m')\n"
        "def nested(xs):\n    return [core.detached_copy(x) for x in xs]\n"
        "class Book:\n    def on(self, xs):\n        return rust(xs)\n"
        "class Plain:\n    @staticmethod\n    def on(xs):\n        return plain(xs)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    mine = importlib.import_module("mine")
    found = {name: crosses(getattr(mine, name)) for name in ("plain", "over", "rust", "nested", "Book", "Plain")}
    assert found == {"plain": False, "over": False, "rust": True, "nested": True, "Book": True, "Plain": False}


def test_who_imports_is_told_by_module_name_alias_and_attribute(tmp_path: Path) -> None:
    package = tmp_path / "pkg"
    package.mkdir()
    files: dict[str, str] = {
        "__init__.py": "", "m.py": "def f(): return g()\ndef g(): return 1\ndef h(): return 2\n",
        "a.py": "from .m import f\n", "b.py": "from . import m as other\nother.g()\n",
        "test_c.py": "import pkg.m\npkg.m.h()\n", "d.py": "TABLE = ['pkg.m:h']\n",
    }  # fmt: skip
    for name, text in files.items():
        (package / name).write_text(text)
    graph = imports.read(tmp_path)
    assert graph.users("pkg.m:f").importers == ["pkg/a.py"]
    g = graph.users("pkg.m:g")
    assert (g.importers, g.inside) == (["pkg/b.py"], True)
    h = graph.users("pkg.m:h")
    assert (h.importers, h.tests, h.mentions) == ([], ["pkg/test_c.py"], ["pkg/d.py"])
    assert graph.users("pkg.m").importers == ["pkg/a.py", "pkg/b.py"]


def test_a_look_finds_arithmetic_in_loops_and_leaves_out_what_talks(tmp_path: Path) -> None:
    (tmp_path / "calc.py").write_text(
        "def mean(xs):\n    t = 0.0\n    for x in xs:\n        t += x * x - 1 / (x + 2)\n        t = t * 3 % 7\n"
        "    return t\n"
        "def send(xs, s):\n    for x in xs:\n        s.send(x * 2 + 1 - 3 * 4 / 5 - x[0] * x[1])\n"
    )
    assert [found.unit for found in hot.by_look(tmp_path)] == ["calc:mean"]


def test_a_look_takes_one_line_of_arithmetic_in_a_loop_but_neither_text_nor_a_candidate(tmp_path: Path) -> None:
    vwap = (
        "def vwap(prices, sizes):\n    total = 0.0\n    for price, size in zip(prices, sizes, strict=True):\n"
        "        total += price * size\n    return total / sum(sizes)\n"
    )
    (tmp_path / "calc.py").write_text(f"{vwap}def lines(xs):\n    return ['%s' % x + '!' for x in xs if x != 1 if x]\n")
    (tmp_path / "candidate.py").write_text(vwap)
    assert [found.unit for found in hot.by_look(tmp_path)] == ["calc:vwap"]
    against = {look.unit: look.against for look in hot.looks(tmp_path)}
    assert against["calc:lines"] == "little arithmetic in loops"
    assert "it is a candidate" in against["candidate:vwap"]


def test_what_crosses_is_extrapolated_from_the_first_items() -> None:
    crossing = measure([{"a": 1.0, "b": "xy"}] * 10_000)
    assert crossing.objects == pytest.approx(50_001, rel=0.01)
    assert measure(memoryview(b"12345678")).bytes == 8


def test_what_would_replace_a_unit_is_no_user_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "m.py").write_text("def f(x):\n    return x\n", encoding="utf-8")
    assert cli.main(["scaffold", "m:f"]) == 0
    (tmp_path / "own.py").write_text("from m import f\ndef g(x): return f(x)\n", encoding="utf-8")
    graph = imports.read(tmp_path)
    assert graph.users("m:f").importers == ["own.py"], "a shim is known by what it is"
    assert graph.users("m:f", ["own:g"]).importers == [], "another candidate by the configuration"
