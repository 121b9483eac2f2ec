"""`exuvia scaffold` on a shim that is there: more goes in, and what its user wrote stays byte for byte."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from exuvia.errors import MigrateError
from exuvia.migrate.workbench.scaffold import scaffold

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = '''
"""Prices."""
from dataclasses import dataclass
from decimal import Decimal
from typing import Iterable

LIMIT = Decimal("1.5")

@dataclass
class Row:
    a: int

class Book:
    def add(self, row: Row) -> "Book":
        return self

    @property
    def size(self) -> int:
        return 1

    @size.setter
    def size(self, value: int) -> None:
        pass

    @size.deleter
    def size(self) -> None:
        pass

def first(a: int) -> int:
    return a

def second(rows: Iterable[Row], least: Decimal = LIMIT) -> list[Row]:
    return list(rows)

def third(a, b=2):
    return a + b

async def fourth(book: Book, *, least: Decimal = Decimal("2")) -> Book:
    return book
'''


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("EXUVIA_", "PYTEST"))}
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lib.py").write_text(LIBRARY)
    return tmp_path


def stays(before: bytes, after: bytes) -> bool:
    """Whether every line that was there is there as it was, in its order."""
    rest = iter(after.splitlines(keepends=True))
    return all(line in rest for line in before.splitlines(keepends=True))


def test_a_second_function_goes_into_the_shim_and_what_was_written_there_stays_byte_for_byte(project: Path) -> None:
    assert run(project, "exuvia", "scaffold", "lib:first").returncode == 0
    shim = project / "exuvia_shims" / "lib.py"
    mine = shim.read_text().replace("return _first(a)", "return a  # in  my   way") + "\n\nOWN = {'a' : 1}   # mine\n"
    shim.write_text(mine)
    for unit, added in (("lib:second", "second"), ("lib:Book.add", "Book"), ("lib:fourth", "fourth")):
        before = shim.read_bytes()
        done = run(project, "exuvia", "scaffold", unit)
        assert done.returncode == 0, done
        assert f"added {added}; what was there is as it was" in done.stdout
        assert stays(before, shim.read_bytes())
    check = (
        "import asyncio, lib\nfrom exuvia_shims import lib as shim\n"
        "assert shim.first(3) == 3 and shim.OWN == {'a': 1}\n"
        "row = lib.Row(1)\nbook = shim.Book()\n"
        "assert shim.second([row]) == [row] and shim.second.__defaults__ == (lib.LIMIT,)\n"
        "assert book.add(row) is book and asyncio.run(shim.fourth(book)) is book\n"
        "assert set(shim.__all__) >= {'first', 'second', 'Book', 'fourth', 'LIMIT'}\nprint('same')\n"
    )
    (project / "check.py").write_text(check)
    done = run(project, "check")
    assert done.stdout == "same\n", done.stderr


def test_a_name_that_is_there_is_left_alone_and_only_that_is_refused(project: Path) -> None:
    assert run(project, "exuvia", "scaffold", "lib:first").returncode == 0
    shim = project / "exuvia_shims" / "lib.py"
    before = shim.read_bytes()
    again = run(project, "exuvia", "scaffold", "lib:first")
    assert again.returncode == 2, again
    assert "has first (line " in again.stderr
    assert "nothing was changed" in again.stderr
    assert shim.read_bytes() == before
    both = run(project, "exuvia", "scaffold", "lib:first", "lib:third")
    assert both.returncode == 0, both
    assert "added third" in both.stdout
    assert "first is there already, at line " in both.stdout
    assert stays(before, shim.read_bytes())
    forced = run(project, "exuvia", "scaffold", "lib:first", "--force")
    assert (forced.returncode, shim.read_bytes()) == (0, before)


def test_a_shim_that_grew_unit_by_unit_passes_a_strict_type_checker_and_is_formatted(project: Path) -> None:
    (project / "lib.py").write_text(LIBRARY.replace("def third(a, b=2):", "def third(a: int, b: int = 2) -> int:"))
    for unit in ("lib:first", "lib:fourth", "lib:Book", "lib:third", "lib:second", "lib:Row"):
        done = run(project, "exuvia", "scaffold", unit)
        assert done.returncode == 0, (unit, done)
    shim = "exuvia_shims/lib.py"
    pytest.importorskip("mypy")
    checked = run(project, "mypy", "--strict", "exuvia_shims")
    assert checked.returncode == 0, checked.stdout
    pytest.importorskip("ruff")
    shape = run(project, "ruff", "format", "--isolated", "--diff", shim)
    assert shape.returncode == 0, shape.stdout + shape.stderr
    kinds = ["--ignore", "D107", "--select", "D1,F,E7,W"]
    checked = run(project, "ruff", "check", "--isolated", *kinds, shim)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_line_ends_and_a_missing_last_one_are_kept_as_their_user_has_them(project: Path) -> None:
    assert run(project, "exuvia", "scaffold", "lib:first").returncode == 0
    shim = project / "exuvia_shims" / "lib.py"
    before = shim.read_bytes().replace(b"\n", b"\r\n").rstrip(b"\r\n")
    shim.write_bytes(before)
    assert run(project, "exuvia", "scaffold", "lib:second").returncode == 0
    after = shim.read_bytes()
    assert stays(before + b"\r\n", after)
    assert b"\n" not in after.replace(b"\r\n", b"")
    compile(after, "shim", "exec")


def test_a_file_that_is_no_shim_of_the_module_is_not_touched(project: Path) -> None:
    (project / "other.py").write_text("def other() -> int:\n    return 1\n")
    assert run(project, "exuvia", "scaffold", "other:other", "-o", "shim.py").returncode == 0
    for text in ((project / "shim.py").read_text(), "def f(): ...\n", "def f(:\n"):
        (project / "shim.py").write_text(text)
        done = run(project, "exuvia", "scaffold", "lib:first", "-o", "shim.py")
        assert (done.returncode, "--force" in done.stderr, "-o FILE" in done.stderr) == (2, True, True), done
        assert (project / "shim.py").read_text() == text


def test_a_name_that_the_shim_has_for_something_else_is_refused_with_its_line(project: Path) -> None:
    shim = project / "shim.py"
    made = scaffold(["lib:first"], [project]).text
    shim.write_text(made + "\nIterable = list\n")
    with pytest.raises(MigrateError, match=rf"shim.py:{made.count(chr(10)) + 2} has Iterable as something else"):
        scaffold(["lib:second"], [project], shim)
    shim.write_text(made + "\n_third = 3\n_legacy_ = 4\n")
    added = scaffold(["lib:third"], [project], shim).text
    assert "_third_ = original(_legacy.third)" in added
    fourth = scaffold(["lib:fourth"], [project]).text
    assert "_legacy.Book" in fourth, "a shim leaves the names of classes free that may move later"
    shim.write_text(fourth + "\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from lib import Book\n")
    with pytest.raises(MigrateError, match="imports Book of lib for annotations, and its shim needs that name"):
        scaffold(["lib:Book"], [project], shim)


def test_a_property_with_a_setter_is_noted_once(project: Path) -> None:
    notes = scaffold(["lib:Book"], [project]).notes
    assert notes == ["Book.size is inherited: it is a generator or decorated"]
