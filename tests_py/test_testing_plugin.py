"""The pytest plug-in: parity in tests, cases made up, and a project's own suite over either side."""

from __future__ import annotations

import importlib.metadata
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import exuvia.testing
import pytest
from commands import python
from exuvia._exuvia import register, unregister
from exuvia.errors import ConfigError
from exuvia.testing import assert_equivalent, inferred
from exuvia.testing.parity import Parity

ROOT = Path(__file__).resolve().parent.parent
BOT = ROOT / "examples" / "legacy_bot"
PLUGIN = () if any(
    point.value.startswith("exuvia.testing") for point in importlib.metadata.entry_points(group="pytest11")
) else ("-p", "exuvia.testing.plugin")  # fmt: skip
UNITS = {
    "stream:decode_frame": "{}",
    "quotes:QuoteBook": "{}",
    "bars:aggregate": "{}",
    "archive:encode_bars": '{ "$" = "parquet" }',
    "scan:decide": "{}",
}


def run(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return python(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", *PLUGIN, *words, **more)


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    """A copy of the legacy bot with the demo's units."""
    for package in ("pandas", "pyarrow", "websockets", "yaml", "requests"):
        pytest.importorskip(package)
    folder = tmp_path / "bot"
    shutil.copytree(BOT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "examples" / "demo" / "candidates.py", folder)
    tables = [
        f'[unit."legacy_bot.{unit}"]\ncandidate = "candidates:{unit.partition(":")[2]}"\neffect = "pure"\n'
        f"compare = {rules}\n"
        for unit, rules in UNITS.items()
    ]
    (folder / "exuvia.toml").write_text("[exuvia]\nrehearsal = true\n" + "".join(tables))
    (folder / "exuvia.toml").chmod(0o600)
    return folder


def test_the_bots_own_tests_run_over_both_sides(bot: Path) -> None:
    files = [f"tests/test_{name}.py" for name in ("bars", "scan")]
    shadow = run(bot, "--exuvia-mode=shadow", *files)
    assert shadow.returncode == 0, shadow.stdout
    assert "calls compared, 0 differ" in shadow.stdout
    rust = run(bot, "--exuvia-mode=rust", "tests/test_scan.py")
    assert "calls by the candidates" in rust.stdout
    assert rust.returncode == 0, rust.stdout
    legacy = run(bot, "--exuvia-mode=legacy", "tests/test_scan.py")
    assert (legacy.returncode, "legacy's own code" in legacy.stdout) == (0, True)
    assert not (bot / "evidence").exists()


SHIM = "def price(n):\n    return n * 2 + (n == 3)\nclass Book:\n    def add(self, n):\n        return n\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lib.py").write_text(
        "def price(n):\n    return n * 2\nclass Book:\n    def add(self, n):\n        return n\n"
    )
    (tmp_path / "shim.py").write_text(SHIM)
    (tmp_path / "exuvia.toml").write_text('[unit."lib:price"]\ncandidate = "shim:price"\neffect = "pure"\n')
    (tmp_path / "exuvia.toml").chmod(0o600)
    (tmp_path / "test_lib.py").write_text(
        "from lib import price\nimport pytest\n"
        "@pytest.mark.parametrize('n', range(5))\ndef test_price(n):\n    assert price(n) == 2 * n\n"
        "def test_small():\n    assert price(1) == 2\n"
    )
    return tmp_path


def test_shadow_fails_a_green_suite_whose_candidate_differs_and_rust_fails_the_very_test(project: Path) -> None:
    assert run(project).returncode == 0
    shadow = run(project, "--exuvia-mode=shadow")
    assert shadow.returncode == 1
    assert "6 passed" in shadow.stdout
    assert "$ (value): legacy 6, candidate 7" in shadow.stdout
    rust = run(project, "--exuvia-mode=rust")
    assert (rust.returncode, "1 failed, 5 passed" in rust.stdout) == (1, True), rust.stdout
    assert "test_price[3]" in rust.stdout


def test_in_rust_no_legacy_answers_for_a_candidate_that_raises(project: Path) -> None:
    (project / "shim.py").write_text("def price(n):\n    raise NotImplementedError('not yet')\n")
    done = run(project, "--exuvia-mode=rust")
    assert done.returncode == 1, done.stdout
    assert "NotImplementedError: not yet" in done.stdout


def test_a_suite_that_reaches_no_unit_proves_nothing(project: Path) -> None:
    (project / "test_lib.py").write_text("def test_nothing():\n    pass\n")
    done = run(project, "--exuvia-mode=rust")
    assert (done.returncode, "nothing is proved" in done.stdout) == (1, True)


def test_workers_of_xdist_report_to_the_one_that_asks(project: Path) -> None:
    pytest.importorskip("xdist")
    done = run(project, "--exuvia-mode=shadow", "-n", "2")
    assert done.returncode == 1, done.stdout
    assert "6 calls compared, 1 differ" in done.stdout


def test_a_wrong_configuration_stops_the_run_with_its_line(project: Path) -> None:
    (project / "exuvia.toml").write_text('[unit."lib:prise"]\ncandidate = "shim:price"\neffect = "pure"\n')
    done = run(project, "--exuvia-mode=rust")
    assert (done.returncode, "'prise' is not there" in done.stdout + done.stderr) == (4, True), done
    missing = run(project, "--exuvia-mode=rust", "--exuvia-config", "nowhere.toml")
    assert "no such configuration" in missing.stdout + missing.stderr


def test_an_extension_that_does_not_load_stops_the_run_with_what_to_do(project: Path) -> None:
    (project / "broken.py").write_text("import sys\nsys.modules['exuvia._exuvia'] = None\n")
    done = run(project, "-p", "broken", "--exuvia-mode=rust", PYTHONPATH=str(project))
    said = done.stdout + done.stderr
    assert done.returncode == 4, said
    assert "--exuvia-mode=rust: the extension does not load (" in said
    assert "pip install --force-reinstall exuvia" in said


def test_what_is_missing_but_the_extension_is_not_called_the_extension(project: Path) -> None:
    (project / "broken.py").write_text("import sys\nsys.modules['exuvia.testing.suite'] = None\n")
    done = run(project, "-p", "broken", "--exuvia-mode=rust", PYTHONPATH=str(project))
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "import of exuvia.testing.suite halted" in said
    assert "the extension does not load" not in said


def test_the_units_of_a_configuration_elsewhere_are_found_beside_it(project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "tests"
    elsewhere.mkdir()
    (project / "test_lib.py").rename(elsewhere / "test_lib.py")
    done = run(elsewhere, "--rootdir", str(elsewhere), "--exuvia-mode=shadow", "--exuvia-config", "../exuvia.toml")
    assert "6 calls compared, 1 differ" in done.stdout, done.stdout + done.stderr


def test_the_parity_fixture_gives_legacys_result_and_fails_where_the_candidate_differs(project: Path) -> None:
    (project / "test_lib.py").write_text(
        "import pytest\n"
        "def test_same(parity):\n    assert parity('lib:price')(2) == 4\n"
        "def test_other(parity):\n    parity('lib:price')(3)\n"
        "def test_raises(parity):\n"
        "    with pytest.raises(TypeError):\n        parity('lib:price', 'lib:price')(None)\n"
        "def test_empty(parity):\n    parity(len, len)\n"
        "def test_unknown(parity):\n    parity('lib:prise')(3)\n"
    )
    done = run(project)
    assert "2 failed, 3 passed, 1 error" in done.stdout
    assert "$ (value): legacy 6, candidate 7" in done.stdout
    assert "parity compared nothing" in done.stdout
    assert "parity.py" not in done.stdout, "a failure shows the user's lines, not exuvia's"
    assert "found.compared" not in done.stdout
    assert "did you mean 'lib:price'" in done.stdout


@pytest.mark.saxo_venue("sim:9?ticks=50")
def test_a_venue_is_a_fixture(request: pytest.FixtureRequest) -> None:
    if PLUGIN:
        pytest.skip("the plug-in is not installed with this wheel")
    venue = request.getfixturevalue("saxo_venue")
    with urlopen(f"{venue.url}/lockstep/clock") as answer:  # noqa: S310 - the venue's own
        assert json.load(answer)["Ticks"] in (49, 50)


@dataclass(frozen=True)
class Bar:
    ts: int
    close: float


def mean(bars: Sequence[Bar], *, last: int = 3) -> float:
    if not bars:
        raise ValueError("no bars")
    return sum(bar.close for bar in bars[-abs(last) :]) / len(bars)


def test_a_thousand_cases_are_made_up_of_annotations(capsys: pytest.CaptureFixture[str]) -> None:
    assert assert_equivalent(mean, lambda bars, *, last: mean(bars, last=last)) >= 1000
    said = capsys.readouterr().out
    assert said.startswith("exuvia: 1,")
    assert "cases compared, none differs: mean and " in said


def test_a_difference_is_shown_as_small_as_it_gets() -> None:
    def price(n: int) -> int:
        return n

    with pytest.raises(AssertionError, match=r"differ for \(1000\)"):
        assert_equivalent(price, lambda n: n + (n >= 1000))
    with pytest.raises(AssertionError, match="case 2: the two sides differ"):
        assert_equivalent(price, lambda n: n + (n == 5), cases=[(4,), (5,)])


@dataclass
class Fill:
    price: float
    part: Fill | None


def test_floats_are_those_of_a_market_wherever_they_stand_and_may_be_bounded() -> None:
    seen: list[float] = []

    def legacy(prices: list[float], book: dict[str, float | None], fill: Fill, pair: tuple[int, float]) -> int:
        one: Fill | None = fill
        while one is not None:
            seen.append(one.price)
            one = one.part
        seen.extend([*prices, *(value for value in book.values() if value is not None), pair[1]])
        return len(prices)

    assert assert_equivalent(legacy, legacy, examples=100) >= 100
    assert max(map(abs, seen)) <= 1e12, "neither 1.34e154 nor infinite nor NaN"
    seen.clear()
    assert_equivalent(legacy, legacy, examples=50, floats=(0.01, 500.0))
    assert (min(seen) >= 0.01, max(seen) <= 500.0) == (True, True)
    with pytest.raises(ConfigError, match="the lowest and the highest float"):
        inferred(legacy, (1.0, float("inf")))


def test_a_message_shows_no_pages_of_arguments(capfd: pytest.CaptureFixture[str]) -> None:
    def legacy(prices: list[float]) -> float:
        return sum(prices)

    many = [([float(n) for n in range(5_000)],)]
    with pytest.raises(AssertionError) as caught:
        assert_equivalent(legacy, min, cases=many)
    assert len(str(caught.value)) < 600
    assert "[0.0, 1.0, 2.0, " in str(caught.value)
    with pytest.raises(AssertionError) as made_up:
        assert_equivalent(legacy, min)
    told = f"{made_up.value}{''.join(getattr(made_up.value, '__notes__', []))}{''.join(capfd.readouterr())}"
    assert "the two sides differ for (" in told
    assert len(told) < 800, told


def test_errors_and_changed_arguments_are_compared_too() -> None:
    def clear(rows: list[int]) -> None:
        rows.clear()

    with pytest.raises(AssertionError, match=r"\$args"):
        assert_equivalent(clear, lambda _: None, cases=[([1],)])
    with pytest.raises(AssertionError, match="exception"):
        assert_equivalent(clear, lambda _: 1 // 0, cases=[([],)])
    rows = [1, 2]
    assert_equivalent(clear, clear, cases=[(rows,)])
    assert rows == [1, 2]


def test_changed_arguments_that_nobody_can_read_are_not_equal() -> None:
    def note(out: io.StringIO) -> None:
        out.write("legacy")

    def other(out: io.StringIO) -> None:
        out.write("candidate")

    unknown = r"case 1: nobody knows whether .*\n  what both sides did to the arguments cannot be compared: "
    with pytest.raises(AssertionError, match=unknown):
        assert_equivalent(note, other, cases=[(io.StringIO(),)])
    with pytest.raises(AssertionError, match="nobody knows"):
        Parity()(note, other)(io.StringIO())
    # Left the same on both sides is equal, and a registered class is read.
    assert assert_equivalent(note, note, cases=[(io.StringIO(),)]) == 1
    register(io.StringIO, io.StringIO.getvalue)
    try:
        assert assert_equivalent(note, note, cases=[(io.StringIO(),)]) == 1
        with pytest.raises(AssertionError, match='legacy "legacy", candidate "candidate"'):
            assert_equivalent(note, other, cases=[(io.StringIO(),)])
    finally:
        unregister(io.StringIO)


class Book:
    def __init__(self, start: int) -> None:
        self.total = start

    def add(self, n: int) -> int:
        self.total += n
        return self.total

    def clear(self) -> None:
        self.total = 0


class Forgets(Book):
    def clear(self) -> None:
        pass


def test_objects_are_made_and_called_method_after_method() -> None:
    assert assert_equivalent(Book, Book, examples=200) >= 200
    with pytest.raises(AssertionError, match=r"call 2, add, after clear"):
        assert_equivalent(Book, Forgets)


def test_a_case_that_legacy_cannot_be_called_with_is_an_error_that_names_it() -> None:
    def pnl(qty, px):
        return qty * px

    with pytest.raises(TypeError, match=r"case 2 does not fit .*pnl\(qty, px\): missing .* 'px': \(1,\)"):
        assert_equivalent(pnl, lambda qty, px: qty * px, cases=[(1, 2), (1,)])
    with pytest.raises(TypeError, match=r"case 1 does not fit .* 'wrong'"):
        assert_equivalent(pnl, pnl, cases=[((1, 2), {"wrong": 3})])
    assert assert_equivalent(pnl, pnl, cases=[((1,), {"px": 3}), ((1, 2), {})]) == 2


def test_a_tuple_and_a_dictionary_are_what_legacy_takes_and_an_error_where_it_takes_both() -> None:
    def scale(span: tuple, opts: dict) -> int:
        return span[0] + opts["x"]

    def wrong(_span: tuple, _opts: dict) -> int:
        return -1

    with pytest.raises(AssertionError, match="legacy 4, candidate -1"):
        assert_equivalent(scale, wrong, cases=[((1, 2), {"x": 3})])
    with pytest.raises(AssertionError, match="legacy 4, candidate -1"):
        assert_equivalent(scale, wrong, cases=[(((1, 2), {"x": 3}), {})])
    with pytest.raises(TypeError, match=r"may be meant as arguments and keywords, or as two arguments"):
        assert_equivalent(scale, scale, cases=[((1, 2), {})])


def test_it_is_said_where_legacy_raised_and_no_result_was_compared(capsys: pytest.CaptureFixture[str]) -> None:
    def halves(n):
        return 1 / n

    assert_equivalent(halves, lambda n: 1 / n, cases=[(0,), (0.0,)])
    assert "legacy raised in all of them (ZeroDivisionError): errors were compared, no result was" in (
        capsys.readouterr().out
    )
    assert_equivalent(halves, lambda n: 1 / n, cases=[(0,), (1,)])
    assert "legacy raised in 1 of them (ZeroDivisionError)" in capsys.readouterr().out


def test_ctrl_c_in_a_constructor_ends_the_comparison() -> None:
    class Slow:
        def __init__(self) -> None:
            raise KeyboardInterrupt

        def go(self) -> int:
            return 1

    with pytest.raises(KeyboardInterrupt):
        assert_equivalent(Slow, Slow, examples=5)


def test_an_empty_comparison_never_passes() -> None:
    with pytest.raises(AssertionError, match="nothing was compared"):
        assert_equivalent(len, len, cases=[])
    with pytest.raises(TypeError, match="a case is a tuple"):
        assert_equivalent(len, len, cases=[[1]])
    with pytest.raises(ConfigError, match="needs a candidate"):
        Parity()(len)


def test_what_cannot_be_made_up_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def bare(rows):
        return rows

    with pytest.raises(ConfigError, match="'rows' has no annotation"):
        assert_equivalent(bare, bare)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ConfigError, match=r"pip install 'exuvia\[testing\]'"):
        inferred(mean)
    assert assert_equivalent(bare, bare, cases=[(1,)]) == 1


def test_cases_begin_with_recorded_calls_and_vary_them(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import base64
    import pickle

    from exuvia.migrate.evidence.segment import Segment
    from exuvia.testing import recorded
    from hypothesis import find

    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(ConfigError, match="no call was recorded"):
        recorded("lib:price", project / "exuvia.toml")
    segment = Segment(project / "evidence", {"fingerprints": {}})
    texts = [base64.b64encode(pickle.dumps(data)).decode() for data in (((40,), {}), (80, None))]
    segment.write({"kind": "call", "unit": "lib:price", "call": "", "arguments": texts[0], "outcome": texts[1]})
    segment.close()
    strategy = recorded("lib:price", project / "exuvia.toml")
    assert find(strategy, lambda case: case[0][0] == 40) == ((40,), {})
    assert 37 <= find(strategy, lambda case: case[0][0] != 40)[0][0] <= 43
    assert assert_equivalent(lambda n: n * 2, lambda n: n + n, strategy, examples=50) >= 5


def test_values_of_recordings_are_varied_within_their_types() -> None:
    from exuvia.testing.strategies import _changed
    from hypothesis import find, strategies

    value = [1, (2.0, "x"), {"k": b"y", "flag": True}, Bar(5, 1.5), None]
    varied = strategies.composite(lambda draw: _changed(value, draw, strategies))()
    assert find(varied, lambda found: found == value) == value
    changed = find(varied, lambda found: found[3] != value[3] and found[1][0] != 2.0 and found[2]["k"] != b"y")
    assert [type(item) for item in changed] == [type(item) for item in value]
    with pytest.raises(ConfigError, match="has no public method"):
        assert_equivalent(Bar, Bar)


def test_the_plugin_loads_nothing_until_it_is_asked(tmp_path: Path) -> None:
    code = (
        "import sys\nimport exuvia.testing.plugin\n"
        "heavy = [m for m in sys.modules if m in ('hypothesis', 'numpy', 'arro3', 'rich') or m == 'exuvia._exuvia'"
        " or m.startswith('exuvia.migrate')]\nprint(heavy)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_names_of_the_module_are_those_it_says() -> None:
    space: dict[str, Any] = {name: getattr(exuvia.testing, name) for name in exuvia.testing.__all__}
    assert all(callable(found) for found in space.values())
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        exuvia.testing.nope  # noqa: B018 - the look-up is the test
