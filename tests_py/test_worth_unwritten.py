"""`exuvia worth` of a candidate that nobody wrote yet: there is nothing to measure, and it says what to do."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import pytest
from commands import exuvia
from exuvia.migrate.cli import main as cli
from exuvia.migrate.worth.unwritten import unwritten

LIBRARY = """
import asyncio

def hot(n: int) -> int:
    total = 0
    for i in range(n):
        total += i * i % 7
    return total

def bare(n):
    return n

async def later(n: int) -> int:
    return n

def made(n: int):
    yield n

class Book:
    def __init__(self, n: int) -> None:
        self.n = n

    def add(self, n: int) -> int:
        return self.n + n

    @staticmethod
    def none(n: int) -> int:
        return n
"""
BODIES = (
    "raise NotImplementedError",
    'raise NotImplementedError("in Rust, some day")',
    "...",
    "pass",
    '"""Is to come."""',
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lib.py").write_text(LIBRARY)
    (tmp_path / "prog.py").write_text("import lib\nfor n in range(100):\n    lib.hot(9_000 + n)\n")
    (tmp_path / "exuvia.toml").write_text('[unit."lib:hot"]\ncandidate = "exuvia_shims.lib:hot"\neffect = "pure"\n')
    (tmp_path / "exuvia.toml").chmod(0o600)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_shim_as_it_was_scaffolded_is_no_candidate_yet_and_the_next_step_is_said(project: Path) -> None:
    assert cli.main(["scaffold", "lib:hot"]) == 0
    done = exuvia(project, "worth", "--unit", "lib:hot", "-m", "prog")
    assert done.returncode == 0, done
    assert "no: under 2 %" not in done.stdout
    [line] = [line for line in done.stdout.splitlines() if "there is no candidate yet" in line]
    assert "exuvia_shims/lib.py:" in line
    assert "still calls legacy; write its body" in line
    assert "run this again" in line


def test_a_candidate_that_is_nowhere_is_said_to_be_none_yet_with_what_writes_one(project: Path) -> None:
    done = exuvia(project, "worth", "--unit", "lib:hot", "-m", "prog")
    assert done.returncode == 0, done
    assert "there is no module exuvia_shims.lib, of which exuvia scaffold lib:hot writes a first shim" in done.stdout
    (project / "exuvia_shims").mkdir()
    (project / "exuvia_shims" / "other.py").write_text("")
    assert "there is no module exuvia_shims.lib" in str(unwritten("lib:hot", "exuvia_shims.lib:hot", [project]))
    assert unwritten("lib:hot", "json.decoder:JSONDecoder", [project]) is None


@pytest.mark.parametrize("body", BODIES)
def test_a_candidate_without_a_body_is_not_measured_as_if_it_were_fast(project: Path, body: str) -> None:
    (project / "exuvia_shims").mkdir()
    (project / "exuvia_shims" / "lib.py").write_text(f"def hot(n: int) -> int:\n    {body}\n")
    assert exuvia(project, "worth", "--json", "-o", "w.json", "--unit", "lib:hot", "-m", "prog").returncode == 0
    [unit] = json.loads((project / "w.json").read_text())["units"]
    assert (unit["verdict"], unit["gain_is"], unit["speedup"]) == ("migrate", "at most", None)
    why = "raises NotImplementedError" if "raise" in body else "has no body yet"
    assert f"there is no candidate yet that could be measured: exuvia_shims/lib.py:1 {why}" in unit["measured"]


def test_every_kind_of_shim_is_known_until_its_body_is_written(project: Path) -> None:
    assert cli.main(["scaffold", "lib"]) == 0
    shim = project / "exuvia_shims" / "lib.py"
    names = ("hot", "bare", "later", "made", "Book", "Book.add", "Book.none")
    found = {name: unwritten(f"lib:{name}", f"exuvia_shims.lib:{name}", [project]) for name in names}
    assert [name for name, said in found.items() if said is None] == []
    assert "is legacy's own" in str(found["made"])
    assert "takes none from legacy's class" in str(found["Book.none"])
    text = shim.read_text().replace("return super().add(n)", "return n + self.n").replace("return _hot(n)", "return 7")
    shim.write_text(text)
    written = [name for name in names if unwritten(f"lib:{name}", f"exuvia_shims.lib:{name}", [project]) is None]
    assert written == ["hot", "Book", "Book.add"]


def test_what_its_user_wrote_is_a_candidate_whatever_it_calls(project: Path) -> None:
    (project / "mine.py").write_text(
        "from exuvia.migrate import original\nimport lib\n_hot = original(lib.hot)\n"
        "def wrapped(n: int) -> int:\n    n = int(n)\n    return _hot(n)\n"
        "def other(n: int) -> int:\n    return sum(range(n))\n"
        "def refuses(n: int) -> int:\n    raise ValueError(n)\n"
        "class Plain:\n    def add(self, n: int) -> int:\n        return n\n"
        "class Own:\n    pass\n"
        "class Rust(Plain):\n    pass\n"
        "class Hot(Plain):\n    def add(self, n: int) -> int:\n        return super().add(n)\n"
    )
    names = (
        "wrapped",
        "other",
        "refuses",
        "Plain",
        "Plain.add",
        "Plain.sub",
        "Own",
        "Rust",
        "Rust.add",
        "Hot",
        "Hot.add",
        "nowhere",
        "Nobody.add",
        "other.inner",
    )
    assert [unwritten("lib:hot", f"mine:{name}", [project]) for name in names] == [None] * len(names)
    assert unwritten("lib:hot", "math:sqrt") is None


def test_a_module_of_which_python_cannot_say_where_it_is_counts_as_there(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "made_by_hand", types.ModuleType("made_by_hand"))
    assert unwritten("lib:hot", "made_by_hand:hot", [project]) is None
    assert "there is no module made_by_nobody" in str(unwritten("lib:hot", "made_by_nobody:hot", [project]))
