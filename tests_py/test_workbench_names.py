"""By which name `exuvia init` finds a unit: the one by which Python imports it, without an `__init__.py` too."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from commands import exuvia, python
from exuvia.migrate.worth.imports import read
from exuvia.migrate.worth.naming import Names

HOT = "def hot(n: int) -> int:\n    total = 0\n    for i in range(n):\n        total += i * i % 7\n    return total\n"


def laid(folder: Path, **files: str) -> Path:
    """Files of a project; `__` in a name stands for a folder's end, `INIT` for `__init__`."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/").replace("INIT", "__init__") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def units(folder: Path) -> set[str]:
    return set(tomllib.loads((folder / "exuvia.toml").read_text()).get("unit", {}))


@pytest.mark.parametrize("profiled", [True, False])
def test_a_unit_of_a_package_without_an_init_file_is_named_as_python_imports_it(tmp_path: Path, profiled: bool) -> None:
    laid(tmp_path, bot__calc=HOT, bot__main="from bot.calc import hot\nhot(900_000)\n")
    words = ["init"]
    if profiled:
        assert python(tmp_path, "-m", "cProfile", "-o", "p.prof", "-m", "bot.main").returncode == 0
        words += ["--profile", "p.prof"]
    done = exuvia(tmp_path, *words)
    assert (done.returncode, units(tmp_path)) == (0, {"bot.calc:hot"}), done
    assert "missing:" not in done.stdout
    for command in (
        ["worth", "--record", "--unit", "bot.calc:hot", "-m", "bot.main"],
        ["scaffold", "bot.calc:hot"],
        ["promote", "bot.calc:hot", "--to", "shadow"],
    ):
        done = exuvia(tmp_path, *command)
        assert done.returncode == 0, (command, done)


def test_what_its_own_files_import_says_by_which_name_a_file_is_known(tmp_path: Path) -> None:
    laid(
        tmp_path,
        # A folder of scripts: what lies beside a script is on its path.
        scripts__calc=HOT,
        scripts__prog="import calc\n",
        # A package in a package, and one that is started from the folder above it.
        acme__desk__INIT="",
        acme__desk__bars="",
        acme__desk__run="from .bars import x\n",
        examples__bot__INIT="",
        examples__bot__bars="",
        examples__bot__run="from bot.bars import x\n",
        # No statement says anything of these: programs start in the project's folder.
        lib__deep__one="",
        src__two="",
    )
    names = Names(tmp_path)
    found = {path.relative_to(tmp_path).as_posix(): names.of(path) for path in tmp_path.rglob("*.py")}
    assert found == {
        "scripts/calc.py": "calc",
        "scripts/prog.py": "prog",
        "acme/desk/__init__.py": "acme.desk",
        "acme/desk/bars.py": "acme.desk.bars",
        "acme/desk/run.py": "acme.desk.run",
        "examples/bot/__init__.py": "bot",
        "examples/bot/bars.py": "bot.bars",
        "examples/bot/run.py": "bot.run",
        "lib/deep/one.py": "lib.deep.one",
        "src/two.py": "two",
    }


def test_relative_imports_make_a_folder_a_package_and_its_users_are_found(tmp_path: Path) -> None:
    laid(tmp_path, bot__calc=HOT, bot__main="from .calc import hot\n", other="import bot.calc\nbot.calc.hot(3)\n")
    assert read(tmp_path).users("bot.calc:hot").importers == ["bot/main.py", "other.py"]


def test_a_module_that_hides_a_folder_of_its_name_leaves_that_out_of_the_name(tmp_path: Path) -> None:
    laid(tmp_path, bot="", bot__calc=HOT)
    names = Names(tmp_path)
    assert names.of(tmp_path / "bot" / "calc.py") == "calc", "Python finds bot.py, so bot.calc is nothing"
    assert "calc is imported from bot, which is not on the path" in names.missing(tmp_path / "bot" / "calc.py")


def test_what_cannot_be_imported_as_it_stands_is_said_with_what_to_do(tmp_path: Path) -> None:
    laid(tmp_path / "my-bot", calc=HOT)
    done = exuvia(tmp_path, "init")
    assert units(tmp_path) == {"calc:hot"}
    [line] = [line for line in done.stdout.splitlines() if "missing:" in line]
    assert "no import can name a folder called 'my-bot'" in line
    assert "PYTHONPATH=my-bot exuvia" in line
    there = exuvia(tmp_path, "init", "--force", PYTHONPATH=str(tmp_path / "my-bot"))
    assert (there.returncode, units(tmp_path), "missing:" in there.stdout) == (0, {"calc:hot"}, False), there


def test_a_package_that_this_python_finds_is_named_as_this_python_names_it(tmp_path: Path) -> None:
    laid(tmp_path, services__desk__calc=HOT)
    home = str(tmp_path / "services")
    assert exuvia(tmp_path, "init", PYTHONPATH=home).returncode == 0
    assert units(tmp_path) == {"desk.calc:hot"}
    assert exuvia(tmp_path, "init", "--force").returncode == 0
    assert units(tmp_path) == {"services.desk.calc:hot"}


def test_a_folder_inside_of_a_package_is_named_from_the_top_of_that(tmp_path: Path) -> None:
    laid(tmp_path, desk__INIT="", desk__rates__calc=HOT, main="import desk.rates.calc\ndesk.rates.calc.hot(3)\n")
    names = Names(tmp_path)
    assert names.of(tmp_path / "desk" / "rates" / "calc.py") == "desk.rates.calc"
    assert {"calc", "rates.calc", "desk.rates.calc"} >= set(names.all_of(tmp_path / "desk" / "rates" / "calc.py"))
