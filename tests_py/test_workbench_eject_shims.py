"""`exuvia eject` tells shims from what a user wrote, and takes out every name by which a shim is imported."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import exuvia, python
from ejecting import OWN, candidate, tree


def test_a_source_that_its_user_wrote_is_never_removed_though_it_is_a_candidate(tmp_path: Path) -> None:
    candidate(tmp_path, "app.quick:fast", '[unit."app.twin:slow"]\ncandidate = "app.twin:fast"\neffect = "pure"\n')
    (tmp_path / "app").mkdir()
    for name in ("__init__", "quick", "twin"):
        (tmp_path / "app" / f"{name}.py").write_text(OWN)
    (tmp_path / "user.py").write_text(
        "from app.quick import fast\nfrom app import twin\nprint(fast(2), twin.fast(3))\n"
    )
    before = tree(tmp_path)
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    assert tree(tmp_path) == {name: text for name, text in before.items() if name != "exuvia.toml"}
    assert "app/quick.py is a candidate that you wrote: it stays" in done.stdout


def test_a_shim_goes_wherever_scaffold_wrote_it_and_what_lies_beside_it_stays(tmp_path: Path) -> None:
    candidate(tmp_path, "shims.lib:slow")
    (tmp_path / "shims").mkdir()
    (tmp_path / "shims" / "__init__.py").write_text(OWN)
    assert exuvia(tmp_path, "scaffold", "lib:slow", "-o", "shims/lib.py").returncode == 0
    (tmp_path / "user.py").write_text("from shims.lib import slow\nprint(slow(2))\n")
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    assert set(tree(tmp_path)) == {"lib.py", "user.py", "shims/__init__.py"}
    assert (tmp_path / "user.py").read_text() == "from lib import slow\nprint(slow(2))\n"


def test_a_shim_that_no_unit_names_yet_goes_too_and_its_importers_take_legacy(tmp_path: Path) -> None:
    candidate(tmp_path, "lib:other")
    (tmp_path / "prog.py").write_text("from exuvia_shims.lib import slow\n\nprint(slow(3))\n")
    assert exuvia(tmp_path, "scaffold", "lib:slow").returncode == 0
    assert "exuvia eject` removes this file" in (tmp_path / "exuvia_shims" / "lib.py").read_text()
    assert python(tmp_path, "prog.py", PYTHONDONTWRITEBYTECODE="").stdout == "6\n"
    assert list((tmp_path / "exuvia_shims" / "__pycache__").glob("lib.*.pyc"))
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    assert set(tree(tmp_path)) == {"lib.py", "prog.py"}
    assert not (tmp_path / "exuvia_shims").exists(), "nor is bytecode of it left"
    assert (tmp_path / "prog.py").read_text() == "from lib import slow\n\nprint(slow(3))\n"


def test_a_candidate_that_uses_exuvia_and_is_imported_elsewhere_is_left_to_its_user(tmp_path: Path) -> None:
    candidate(tmp_path, "quick:fast")
    (tmp_path / "quick.py").write_text("from exuvia import bars\ndef fast(n):\n    return bars, n\n")
    (tmp_path / "user.py").write_text("import quick\n")
    before = tree(tmp_path)
    done = exuvia(tmp_path, "eject", "--write")
    assert (done.returncode, "by hand: quick.py:3" in done.stdout) == (1, True), done
    assert tree(tmp_path) == before


@pytest.mark.parametrize(("shim", "own"), [("tools", "scripts"), ("scripts", "tools")])
def test_an_import_that_may_be_of_a_shim_or_of_a_file_of_its_name_is_left_to_a_person(
    tmp_path: Path, shim: str, own: str
) -> None:
    candidate(tmp_path, "fast:slow")
    for folder in (shim, own):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "go.py").write_text("import sys\nfrom fast import slow\nprint(slow(2))\n")
    (tmp_path / own / "also.py").write_text("import fast as f\n")
    assert exuvia(tmp_path, "scaffold", "lib:slow", "-o", f"{shim}/fast.py").returncode == 0
    (tmp_path / own / "fast.py").write_text("def slow(n):\n    return 7\n")
    before = tree(tmp_path)
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 1, done
    for place in (f"{shim}/go.py:2", f"{own}/go.py:2", f"{own}/also.py:1"):
        assert f"by hand: {place}: fast is " in done.stdout, done.stdout
    assert f"{shim}/fast.py, a shim of lib" in done.stdout
    assert tree(tmp_path) == before
    # What it says to do brings it to its end.
    (tmp_path / shim / "go.py").write_text("import sys\nfrom lib import slow\nprint(slow(2))\n")
    (tmp_path / shim / "fast.py").unlink()
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    left = tree(tmp_path)
    assert left[f"{own}/go.py"] == before[f"{own}/go.py"]
    assert left[f"{own}/fast.py"] == before[f"{own}/fast.py"]
    assert not [name for name, text in left.items() if "exuvia" in name + text]


def test_two_shims_of_one_name_and_one_legacy_are_taken_out_without_a_question(tmp_path: Path) -> None:
    candidate(tmp_path, "fast:slow")
    for folder in ("scripts", "tools"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "go.py").write_text("from fast import slow\nprint(slow(2))\n")
        assert exuvia(tmp_path, "scaffold", "lib:slow", "-o", f"{folder}/fast.py").returncode == 0
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    assert set(tree(tmp_path)) == {"lib.py", "scripts/go.py", "tools/go.py"}
    assert (tmp_path / "tools" / "go.py").read_text() == "from lib import slow\nprint(slow(2))\n"


def test_each_name_by_which_a_shim_is_imported_is_taken_out_and_another_files_is_asked_for(tmp_path: Path) -> None:
    candidate(tmp_path, "tools.fast:slow")
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "go.py").write_text("from fast import slow\nprint(slow(2))\n")
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text("from tools.fast import slow\nprint(slow(2))\n")
    assert exuvia(tmp_path, "scaffold", "lib:slow", "-o", "tools/fast.py").returncode == 0
    (tmp_path / "scripts").mkdir()
    own = tmp_path / "scripts" / "fast.py"
    own.write_text("def slow(n):\n    return 7\n")
    for name in ("three", "four"):
        (tmp_path / f"{name}.py").write_text("import scripts.fast\n")
    (tmp_path / "scripts" / "go.py").write_text("from fast import slow\n")
    before = tree(tmp_path)
    done = exuvia(tmp_path, "eject", "--write")
    asked = [line.split()[2] for line in done.stdout.splitlines() if line.startswith("by hand")]
    assert (done.returncode, asked) == (1, ["scripts/go.py:1:", "tools/go.py:1:"]), done
    assert tree(tmp_path) == before
    own.unlink()
    done = exuvia(tmp_path, "eject", "--write")
    assert done.returncode == 0, done
    for name in ("one.py", "two.py", "tools/go.py"):
        assert (tmp_path / name).read_text() == "from lib import slow\nprint(slow(2))\n"
