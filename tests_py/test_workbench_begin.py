"""`exuvia init` and `exuvia scaffold`: the first configuration and the first shim."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from commands import exuvia, python
from exuvia.errors import MigrateError
from exuvia.migrate import load
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.workbench.scaffold import scaffold

ROOT = Path(__file__).resolve().parent.parent
BOT = ROOT / "examples" / "legacy_bot"
SWAP = """
import importlib, sys
for name in ("bars", "stream", "quotes", "scan", "archive", "strategies"):
    shim = importlib.import_module(f"exuvia_shims.legacy_bot_{name}")
    sys.modules[f"legacy_bot.{name}"] = shim
    setattr(sys.modules["legacy_bot"], name, shim)
"""


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    for package in ("pandas", "pyarrow", "websockets", "yaml", "requests"):
        pytest.importorskip(package)
    return Path(shutil.copytree(BOT, tmp_path / "bot", ignore=shutil.ignore_patterns("__pycache__")))


def test_init_writes_a_configuration_that_loads_and_changes_nothing(bot: Path) -> None:
    done = exuvia(bot, "init", "--json")
    assert done.returncode == 0, done.stderr
    units = [unit["unit"] for unit in json.loads(done.stdout)["units"]]
    assert "legacy_bot.scan:decide" in units
    assert not any("client" in unit or "runner" in unit for unit in units)
    config = load(bot / "exuvia.toml")
    assert list(config.units) == units
    journal = modes.read(config.evidence)
    assert {unit.mode for unit in config.units.values()} == {"shadow"}
    assert {journal.effective(name, unit.mode, config) for name, unit in config.units.items()} == {"legacy"}
    again = exuvia(bot, "init")
    assert (again.returncode, "is there already" in again.stderr) == (2, True)
    mine = (bot / "exuvia.toml").read_text() + "# mine\n"
    (bot / "exuvia.toml").write_text(mine)
    forced = exuvia(bot, "init", "--force", "--top", "1")
    assert (forced.returncode, "exuvia.toml.bak" in forced.stdout) == (0, True), forced
    assert len(load(bot / "exuvia.toml").units) == 1
    assert (bot / "exuvia.toml.bak").read_text() == mine
    second = (bot / "exuvia.toml").read_text()
    assert exuvia(bot, "init", "--force", "--top", "2").returncode == 0
    assert [(bot / f"exuvia.toml.bak{end}").read_text() for end in ("", ".2")] == [mine, second]


SMALL = """
import functools, time
def mid(bid, ask):
    return (bid + ask) / 2
def fetch(n):
    return [print(i * i, i + 1, i - 1, i % 2) for i in range(n)]
def rows(n):
    for i in range(n):
        yield i * i
@functools.cache
def kept(n):
    return sum(i * i + i % 3 - i // 2 for i in range(n) if i * 7 > n)
async def later(n):
    return n
def _hidden(n):
    return sum(i * i + i % 3 - i // 2 for i in range(n) if i * 7 > n)
class Book:
    def add(self, n):
        self.n = n
"""


def test_init_says_of_each_function_that_it_leaves_out_which_rule_did_it(tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text(SMALL)
    done = exuvia(tmp_path, "init")
    assert done.returncode == 0, done
    assert "0 units" in done.stdout
    for unit, why in (
        ("lib:mid", "no arithmetic in a loop"),
        ("lib:fetch", "calls print"),
        ("lib:rows", "a generator"),
        ("lib:kept", "decorated"),
        ("lib:later", "a coroutine"),
        ("lib:_hidden", "begins with _"),
        ("lib:Book.add", "no arithmetic in a loop"),
    ):
        assert any(unit in line and why in line for line in done.stdout.splitlines()), (unit, why, done.stdout)
    assert '\n[unit."lib:mid"]\ncandidate = "exuvia_shims.lib:mid"' in done.stdout, (
        "one that can be a unit as it stands"
    )
    assert "exuvia init --profile bot.prof" in done.stdout
    asked = json.loads(exuvia(tmp_path, "init", "--force", "--json").stdout)
    assert {one["unit"] for one in asked["left_out"]} >= {"lib:mid", "lib:Book.add"}


def test_init_shows_no_stanza_of_a_function_that_it_refuses_itself(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("def main():\n    for x in range(9):\n        x + x * x - 1\n")
    done = exuvia(tmp_path, "init")
    assert "left out: __main__:main: its module is run, not imported" in done.stdout
    assert "[unit." not in done.stdout


def test_what_init_proposes_next_leads_to_a_comparison_in_shadow(tmp_path: Path) -> None:
    loop = "    for i in range(n):\n        total += i * i % 7 - i // 3\n"
    (tmp_path / "lib.py").write_text(f"def hot(n: int) -> int:\n    total = 0\n{loop}    return total\n")
    (tmp_path / "prog.py").write_text("import lib\nfor n in range(100):\n    lib.hot(9_000 + n)\n")
    done = exuvia(tmp_path, "init")
    proposed = [line.strip().partition("    ")[0] for line in done.stdout.splitlines() if line.startswith("  exuvia ")]
    assert [line.split()[1] for line in proposed] == ["worth", "scaffold", "promote", "run"]
    *commands, compared = [line.replace("PROGRAM", "prog") for line in proposed]
    for command in commands:
        done = python(tmp_path, "-m", *command.split())
        assert done.returncode == 0, (command, done)
        if " worth " in command:
            assert "on record: lib:hot: migrate; next, once its candidate is there: exuvia promote" in done.stdout
    for command in compared.split(", then "):
        done = python(tmp_path, "-m", *command.split())
        assert done.returncode == 0, (command, done)
    assert "lib:hot shadow    100    0      100" in done.stdout


def test_init_takes_the_hot_functions_of_a_profile(tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text(
        "def hot(n):\n    return sum(i * i for i in range(n))\ndef cold(n):\n    return n\n"
        "class A:\n    def warm(self, n):\n        return [i % 3 for i in range(n)]\n"
    )
    (tmp_path / "prog.py").write_text("import lib\nlib.hot(400_000)\nlib.cold(1)\nlib.A().warm(900_000)\n")
    assert python(tmp_path, "-m", "cProfile", "-o", "p.prof", "prog.py").returncode == 0
    done = exuvia(tmp_path, "init", "--profile", "p.prof")
    assert done.returncode == 0, done.stderr
    found = tomllib.loads((tmp_path / "exuvia.toml").read_text())["unit"]
    assert set(found) == {"lib:hot", "lib:A.warm"}
    assert "of the compute" in done.stdout
    bad = exuvia(tmp_path, "init", "--force", "--profile", "lib.py")
    assert (bad.returncode, "neither collapsed" in bad.stderr) == (2, True)


@pytest.mark.parametrize("profiled", [True, False])
def test_init_finds_what_is_hot_below_src_and_says_why_a_method_of_a_record_is_left_out(
    tmp_path: Path, profiled: bool
) -> None:
    package = tmp_path / "src" / "desk" / "deep"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    loop = "total = 0\n{0}for i in range(n):\n{0}    total += i * i % 7 - i // 3\n{0}return total\n"
    record = "@dataclasses.dataclass\nclass Window:\n    k: int = 1\n    def vwap(self, n):\n        "
    (package / "calc.py").write_text(
        f"import dataclasses\ndef hot(n):\n    {loop.format('    ')}{record}{loop.format('        ')}"
    )
    (tmp_path / "prog.py").write_text("from desk.deep.calc import *\nhot(900_000)\nWindow().vwap(900_000)\n")
    words = ["init"]
    if profiled:
        command = ["-m", "cProfile", "-o", "p.prof", "prog.py"]
        assert python(tmp_path, *command, PYTHONPATH=str(tmp_path / "src")).returncode == 0
        words += ["--profile", "p.prof"]
    done = exuvia(tmp_path, *words)
    assert done.returncode == 0, done
    assert set(tomllib.loads((tmp_path / "exuvia.toml").read_text())["unit"]) == {"desk.deep.calc:hot"}
    assert "left out: desk.deep.calc:Window.vwap: decorated, or a method of a record" in done.stdout
    with pytest.raises(MigrateError, match="Window is decorated, a record, .* whose shim would be legacy's own class"):
        scaffold(["desk.deep.calc:Window.vwap"], [tmp_path / "src"])


def test_legacys_own_tests_pass_over_the_shims_which_a_strict_type_checker_passes(bot: Path) -> None:
    for name in ("bars", "stream", "quotes", "scan", "archive", "strategies", "ledger", "config"):
        done = exuvia(bot, "scaffold", f"legacy_bot.{name}")
        assert done.returncode == 0, done.stderr
    (bot / "conftest.py").write_text(SWAP)
    tests = [f"tests/test_{name}.py" for name in ("bars", "stream", "quotes", "scan", "archive", "strategies")]
    over = python(bot, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
    assert over.returncode == 0, over.stdout[-2000:]
    (bot / "exuvia_shims" / "legacy_bot_bars.py").write_text(
        (bot / "exuvia_shims" / "legacy_bot_bars.py").read_text().replace("_aggregate(bars, every_s)", "[]")
    )
    broken = python(bot, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_bars.py")
    assert broken.returncode == 1, "the tests do not run over the shim"
    pytest.importorskip("mypy")
    checked = python(bot, "-m", "mypy", "--strict", "exuvia_shims")
    assert checked.returncode == 0, checked.stdout


LIBRARY = '''
"""A module with everything that a signature may hold."""
import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Optional

LIMIT = Decimal("1.5")

class PriceError(ValueError):
    """No price."""

@dataclass
class Row:
    a: int

def typed(a: int, /, b: "Row", *rest: float, limit: Decimal = LIMIT, side: Literal["Buy", "Sell"] = "Buy",
          **more: Optional[str]) -> "list[Row]":
    r"""Has a back\\slash."""
    return [b]

def bare(a, b=3):
    return a + b

async def later(n: int) -> int:
    await asyncio.sleep(0)
    return n

def generator(n: int):
    yield n

class Book:
    """Keeps rows."""

    def __init__(self, start=0):
        self.start = start

    def add(self, row: Row) -> "Book":
        return self

    def loose(self, x):
        return x

    @property
    def size(self) -> int:
        return 1

    @staticmethod
    def fixed() -> int:
        return 2
'''


def test_every_kind_of_signature_comes_out_the_same(tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text(LIBRARY)
    made = scaffold(["lib"], [tmp_path])
    (tmp_path / "shim.py").write_text(made.text)
    check = (
        "import asyncio, inspect, lib, shim\n"
        "for name in ('typed', 'bare', 'later'):\n"
        "    a, b = inspect.signature(getattr(lib, name)), inspect.signature(getattr(shim, name))\n"
        "    assert [(p.name, p.kind, p.default) for p in a.parameters.values()] == "
        "[(p.name, p.kind, p.default) for p in b.parameters.values()], (a, b)\n"
        "    assert inspect.getdoc(getattr(shim, name)) == "
        "(inspect.getdoc(getattr(lib, name)) or f'Does what legacy\\'s `lib:{name}` does.')\n"
        "assert shim.PriceError is lib.PriceError and shim.Row is lib.Row and shim.LIMIT is lib.LIMIT\n"
        "assert shim.generator is lib.generator and asyncio.run(shim.later(3)) == 3\n"
        "row = shim.Row(1)\n"
        "assert shim.typed(1, row, 2.0, side='Sell', x=None) == [row] and shim.bare(1) == 4\n"
        "book = shim.Book(5)\n"
        "assert book.start == 5 and book.add(row) is book and book.loose(7) == 7\n"
        "assert (book.size, book.fixed()) == (1, 2)\n"
        "print('same')\n"
    )
    (tmp_path / "check.py").write_text(check)
    done = python(tmp_path, "-m", "check")
    assert done.stdout == "same\n", done.stderr
    pytest.importorskip("mypy")
    checked = python(tmp_path, "-m", "mypy", "--strict", "--allow-untyped-defs", "--allow-incomplete-defs", "shim.py")
    assert "shim.py" not in checked.stdout, checked.stdout


def test_a_shim_is_formatted_documented_and_uses_only_what_is_public(tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text(
        LIBRARY + "\ndef size(equity: float, entry: float, stop: float, risk=0.01, *, side: str = 'Buy',\n"
        "         lot=(1, 2), currency: str = 'DKK', **more: float) -> float:\n    return equity * risk\n"
        "\nclass Bare:\n    def one(self):\n        return 1\n"
        "    async def two(self, a=1, *, b='it\\'s'):\n        return a\n"
    )
    shim = tmp_path / "shim.py"
    shim.write_text(scaffold(["lib"], [tmp_path]).text)
    text = shim.read_text()
    assert "risk: Any = 0.01," in text
    assert "from exuvia.migrate import original" in text
    assert "exuvia.migrate.workbench" not in text
    from exuvia import migrate

    assert "original" in migrate.__all__
    assert "Does what legacy's `lib:bare` does." in text
    assert "Does what legacy's `lib:Bare.one` does." in text
    pytest.importorskip("ruff")
    shape = python(tmp_path, "-m", "ruff", "format", "--isolated", "--diff", "shim.py")
    assert shape.returncode == 0, shape.stdout + shape.stderr
    kinds = "D1,F,E7,W"
    checked = python(tmp_path, "-m", "ruff", "check", "--isolated", "--ignore", "D107", "--select", kinds, "shim.py")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_shim_does_not_call_itself_when_its_unit_stands_in_rust(tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text("def price(n: int) -> int:\n    return n * 2\n")
    (tmp_path / "exuvia.toml").write_text(
        '[exuvia]\nrehearsal = true\n[unit."lib:price"]\n'
        'candidate = "exuvia_shims.lib:price"\neffect = "pure"\nmode = "rust"\n'
    )
    (tmp_path / "exuvia.toml").chmod(0o600)
    (tmp_path / "prog.py").write_text("import lib\nprint(lib.price(4))\n")
    assert exuvia(tmp_path, "scaffold", "lib:price").returncode == 0
    done = exuvia(tmp_path, "run", "-m", "prog")
    assert (done.returncode, done.stdout) == (0, "8\n"), done.stderr


def test_what_a_user_gets_wrong_is_said(tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text("def f(): ...\n")
    for words, said in (
        (("lib:g",), "defines no 'g'; it has f"),
        (("nolib",), "no module 'nolib'"),
        (("lib:f", "json:loads"), "a shim is for one module, these are of 2"),
        (("exuvia._exuvia",), "is compiled"),
    ):
        done = exuvia(tmp_path, "scaffold", *words)
        assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (2, True, False), (words, done)
    assert exuvia(tmp_path, "scaffold", "lib:f").returncode == 0
    again = exuvia(tmp_path, "scaffold", "lib:f")
    assert (again.returncode, "--force" in again.stderr) == (2, True)
