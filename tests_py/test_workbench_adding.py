"""`exuvia scaffold` on a shim that is there: more goes in, and what its user wrote stays byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from commands import exuvia, python
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


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lib.py").write_text(LIBRARY)
    return tmp_path


def stays(before: bytes, after: bytes) -> bool:
    """Whether every line that was there is there as it was, in its order."""
    rest = iter(after.splitlines(keepends=True))
    return all(line in rest for line in before.splitlines(keepends=True))


def test_a_second_function_goes_into_the_shim_and_what_was_written_there_stays_byte_for_byte(project: Path) -> None:
    assert exuvia(project, "scaffold", "lib:first").returncode == 0
    shim = project / "exuvia_shims" / "lib.py"
    mine = shim.read_text().replace("return _first(a)", "return a  # in  my   way") + "\n\nOWN = {'a' : 1}   # mine\n"
    shim.write_text(mine)
    for unit, added in (("lib:second", "second"), ("lib:Book.add", "Book"), ("lib:fourth", "fourth")):
        before = shim.read_bytes()
        done = exuvia(project, "scaffold", unit)
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
    done = python(project, "-m", "check")
    assert done.stdout == "same\n", done.stderr


def test_a_name_that_is_there_is_left_alone_and_only_that_is_refused(project: Path) -> None:
    assert exuvia(project, "scaffold", "lib:first").returncode == 0
    shim = project / "exuvia_shims" / "lib.py"
    before = shim.read_bytes()
    again = exuvia(project, "scaffold", "lib:first")
    assert again.returncode == 2, again
    assert "has first (line " in again.stderr
    assert "nothing was changed" in again.stderr
    assert shim.read_bytes() == before
    both = exuvia(project, "scaffold", "lib:first", "lib:third")
    assert both.returncode == 0, both
    assert "added third" in both.stdout
    assert "first is there already, at line " in both.stdout
    assert stays(before, shim.read_bytes())
    forced = exuvia(project, "scaffold", "lib:first", "--force")
    assert (forced.returncode, shim.read_bytes()) == (0, before)


def test_a_shim_that_grew_unit_by_unit_passes_a_strict_type_checker_and_is_formatted(project: Path) -> None:
    (project / "lib.py").write_text(LIBRARY.replace("def third(a, b=2):", "def third(a: int, b: int = 2) -> int:"))
    for unit in ("lib:first", "lib:fourth", "lib:Book", "lib:third", "lib:second", "lib:Row"):
        done = exuvia(project, "scaffold", unit)
        assert done.returncode == 0, (unit, done)
    shim = "exuvia_shims/lib.py"
    pytest.importorskip("mypy")
    checked = python(project, "-m", "mypy", "--strict", "exuvia_shims")
    assert checked.returncode == 0, checked.stdout
    pytest.importorskip("ruff")
    shape = python(project, "-m", "ruff", "format", "--isolated", "--diff", shim)
    assert shape.returncode == 0, shape.stdout + shape.stderr
    kinds = ["--ignore", "D107", "--select", "D1,F,E7,W"]
    checked = python(project, "-m", "ruff", "check", "--isolated", *kinds, shim)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_line_ends_and_a_missing_last_one_are_kept_as_their_user_has_them(project: Path) -> None:
    assert exuvia(project, "scaffold", "lib:first").returncode == 0
    shim = project / "exuvia_shims" / "lib.py"
    before = shim.read_bytes().replace(b"\n", b"\r\n").rstrip(b"\r\n")
    shim.write_bytes(before)
    assert exuvia(project, "scaffold", "lib:second").returncode == 0
    after = shim.read_bytes()
    assert stays(before + b"\r\n", after)
    assert b"\n" not in after.replace(b"\r\n", b"")
    compile(after, "shim", "exec")


def test_a_file_that_is_no_shim_of_the_module_is_not_touched(project: Path) -> None:
    (project / "other.py").write_text("def other() -> int:\n    return 1\n")
    assert exuvia(project, "scaffold", "other:other", "-o", "shim.py").returncode == 0
    for text in ((project / "shim.py").read_text(), "def f(): ...\n", "def f(:\n"):
        (project / "shim.py").write_text(text)
        done = exuvia(project, "scaffold", "lib:first", "-o", "shim.py")
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


FAST = "def third(a, b=2):\n    return 42\n"
OWN = {
    "typed_else": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from fast import third\n"
    "else:\n    from fast import third",
    "not_typed": "import typing\nif not typing.TYPE_CHECKING:\n    from fast import third",
    "for": "import fast\nfor third in [fast.third]:\n    pass",
    "for_tuple": "import fast\nfor _n, (third, *_rest) in [(1, (fast.third,))]:\n    pass",
    "with": "import contextlib, fast\nwith contextlib.nullcontext(fast.third) as third:\n    pass",
    "walrus": "import fast\nif third := fast.third:\n    pass",
    "walrus_inside": "import fast\nSOME = [third := one for one in [fast.third]]",
    "walrus_default": "import fast\ndef other(f=(third := fast.third)):\n    return f",
    "global": "import fast\ndef take():\n    global third\n    third = fast.third\ntake()",
    "match": "import fast\nmatch [fast.third]:\n    case [third]:\n        pass",
    "match_as": "import fast\nmatch fast.third:\n    case third:\n        pass",
    "match_star": "import fast\nmatch [1]:\n    case [*third]:\n        pass\n    case {1: 1, **third}:\n        pass",
    "match_rest": "import fast\nmatch {1: 2}:\n    case {1: 2, **third}:\n        pass",
    "except": "try:\n    raise KeyError\nexcept KeyError as third:\n    _kept = third",
    "in_handler": "try:\n    import no_such_module\nexcept ImportError:\n    from fast import third",
    "import_as": "import fast as third",
    "tuple": "import fast\n(_a, [third, *_b]) = 1, [fast.third]",
    "chain": "import fast\n_a = third = fast.third",
    "annotated": "import fast\nthird: object = fast.third",
    "augmented": "third = 1\nthird += 1",
    "while": "import fast\nwhile True:\n    third = fast.third\n    break",
    "try_else": "try:\n    import fast\nexcept ImportError:\n    pass\nelse:\n    third = fast.third",
    "finally": "import fast\ntry:\n    pass\nfinally:\n    third = fast.third",
    "deep": "import fast\nif True:\n    with open(__file__):\n        for _n in [1]:\n            third = fast.third",
    "del": "third = 1\ndel third",
}


@pytest.mark.parametrize("written", OWN.values(), ids=OWN)
def test_a_candidate_that_its_user_wrote_is_never_replaced_however_it_is_bound(project: Path, written: str) -> None:
    (project / "fast.py").write_text(FAST)
    shim = project / "shim.py"
    shim.write_text(scaffold(["lib:first"], [project]).text + f"\n{written}\n")
    with pytest.raises(MigrateError, match=r"shim.py has third \(line \d+\) already, and nothing was changed"):
        scaffold(["lib:third"], [project], shim)
    made = scaffold(["lib:third", "lib:second"], [project], shim)
    assert (made.names, list(made.there)) == (["second"], ["third"])
    assert "def third(" not in made.text.replace(written, "")


def test_what_only_looks_like_a_binding_keeps_no_unit_out(project: Path) -> None:
    shim = project / "shim.py"
    inner = (
        "SOME = [third for third in (1, 2)] + [(lambda third: third)(1)]\n\n\ndef own(third):\n    [forth] = [third]\n"
        "    third = forth\n    return third\n\n\nclass Own:\n    third = 1\n"
    )
    shim.write_text(scaffold(["lib:first"], [project]).text + "\n" + inner)
    assert scaffold(["lib:third"], [project], shim).names == ["third"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("from fast import *", "from fast import *"),
        ("try:\n    from fast import *\nexcept ImportError:\n    pass", "from fast import *"),
        ("import fast\ndef __getattr__(name):\n    return getattr(fast, name)", "def __getattr__"),
        ("import fast\nglobals().update(vars(fast))", "globals(…)"),
    ],
)
def test_what_may_bind_any_name_is_named_with_its_line_and_nothing_is_added(
    project: Path, written: str, said: str
) -> None:
    (project / "fast.py").write_text(FAST)
    shim = project / "shim.py"
    shim.write_text(scaffold(["lib:first"], [project]).text + f"\n{written}\n")
    before = shim.read_bytes()
    done = exuvia(project, "scaffold", "lib:third", "-o", "shim.py")
    assert done.returncode == 2, done
    line = next(n for n, text in enumerate(shim.read_text().splitlines(), 1) if said[:8] in text)
    assert f"shim.py:{line} `{said}` may give the file third already" in done.stderr
    assert shim.read_bytes() == before


def test_a_name_that_only_type_checkers_see_is_refused_where_a_function_would_take_it(project: Path) -> None:
    shim = project / "shim.py"
    text = scaffold(["lib:first"], [project]).text
    shim.write_text(text + "\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from fast import third\n")
    with pytest.raises(MigrateError, match="has third for type checkers alone, and its shim needs that name"):
        scaffold(["lib:third"], [project], shim)


@pytest.mark.parametrize(
    "listed",
    [
        '__all__ = ("first",)',
        '__all__: tuple[str, ...] = ("first",)',
        '__all__ = {"first"}',
        '__all__ = sorted(["first"])',
        "__all__ = lib_all",
        'NAMES = __all__ = ["first"]',
        '__all__ = ["first"]\n__all__ += ("LIMIT",)',
        '__all__ = ("LIMIT",)\n__all__ += ("first",)',
        "__all__: list[str]\n__all__ = ['first']",
    ],
)
def test_what_is_public_grows_whatever_kind_of_a_sequence_it_is(project: Path, listed: str) -> None:
    shim = project / "shim.py"
    text = scaffold(["lib:first"], [project]).text
    [was] = [line for line in text.splitlines() if line.startswith("__all__")]
    shim.write_text(text.replace(was, f'lib_all = ["first"]\n{listed}'))
    before = shim.read_bytes()
    for units in (["lib:third"], ["lib:Book", "lib:fourth"]):
        shim.write_text(scaffold(units, [project], shim).text)
    assert stays(before, shim.read_bytes())
    (project / "check.py").write_text(
        "import shim\nassert {'first', 'third', 'Book', 'fourth'} <= set(shim.__all__), shim.__all__\n"
        "assert shim.lib_all == ['first'] and getattr(shim, 'NAMES', ['first']) == ['first']\n"
        "from shim import *\nassert third(1) == 3\nprint('same')\n"
    )
    done = python(project, "-m", "check")
    assert done.stdout == "same\n", done.stderr


def test_imports_for_types_go_below_a_line_that_holds_two_of_them(project: Path) -> None:
    shim = project / "shim.py"
    text = scaffold(["lib:first"], [project]).text
    shim.write_text(text + "\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import os; import sys\n")
    added = scaffold(["lib:second"], [project], shim).text
    assert "import os; import sys\n    from " in added
    compile(added, "shim.py", "exec")


def test_a_shim_whose_annotations_are_read_at_once_imports_what_they_need_at_once(project: Path) -> None:
    late = "from __future__ import annotations\n"
    shim = project / "shim.py"
    made = scaffold(["lib:first"], [project]).text
    assert made.count(late) == 1
    shim.write_text(made.replace(late, ""))
    added = scaffold(["lib:second"], [project], shim).text
    assert "TYPE_CHECKING" not in added
    shim.write_text(added)
    (project / "check.py").write_text("import lib, shim\nprint(shim.second([lib.Row(1)]))\n")
    done = python(project, "-m", "check")
    assert (done.stdout, done.stderr) == ("[Row(a=1)]\n", "")


def test_what_is_defined_under_a_condition_is_refused_by_its_name(project: Path) -> None:
    (project / "lib.py").write_text("import sys\nif sys.platform:\n    def under(n):\n        return n\n")
    with pytest.raises(MigrateError, match="^lib:under is not defined at the top of its module$"):
        scaffold(["lib:under"], [project])


def test_a_docstring_of_many_lines_and_an_annotation_that_is_no_code_come_over_as_they_are(project: Path) -> None:
    (project / "lib.py").write_text(
        'def told(n: "in seconds") -> int:\n    """Waits.\n\n    Not long.\n    """\n'
        "    def steps():\n        yield n\n    return sum(steps())\n"
    )
    made = scaffold(["lib:told"], [project])
    assert [note for note in made.notes if "legacy's own" in note] == [], "only what is inside of it is a generator"
    assert 'n: "in seconds"' in made.text
    (project / "shim.py").write_text(made.text)
    (project / "check.py").write_text(
        "import inspect, lib, shim\nprint(shim.told(3), inspect.getdoc(shim.told) == inspect.getdoc(lib.told))\n"
    )
    assert python(project, "-m", "check").stdout == "3 True\n"
