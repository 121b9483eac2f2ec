"""The documentation is true: examples in docstrings and in the README are run as they stand."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import pydoc
import re
import subprocess
import sys
from pathlib import Path

import exuvia
import pytest
from exuvia.migrate.config import groups, reader, units

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def names() -> list[str]:
    """Every module of the installed package, the extension too."""
    found = [module.name for module in pkgutil.walk_packages(exuvia.__path__, "exuvia.")]
    return ["exuvia", *(name for name in found if not name.endswith("__main__"))]


def snippets() -> list[tuple[int, str]]:
    """The Python snippets of the README, with the line at which each begins."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [(text.count("\n", 0, found.start()) + 2, found.group(1)) for found in FENCE.finditer(text)]


@pytest.mark.parametrize("name", names())
def test_the_examples_of_a_module_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    parser = doctest.DocTestFinder(recurse=True, exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    report: list[str] = []
    for test in parser.find(module, name):
        runner.run(test, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)


@pytest.mark.parametrize(
    ("line", "code"), snippets(), ids=lambda value: f"line-{value}" if isinstance(value, int) else ""
)
def test_a_snippet_of_the_readme_runs_and_runs_again(line: int, code: str, tmp_path: Path) -> None:
    """Each snippet stands alone: a fresh interpreter in an empty folder, then another in what that one left."""
    if ">>>" in code:
        runner = doctest.DocTestRunner(optionflags=FLAGS)
        parsed = doctest.DocTestParser().get_doctest(code, {}, f"README.md:{line}", "README.md", line)
        report: list[str] = []
        runner.run(parsed, out=report.append)
        assert runner.failures == 0, "".join(report)
        return
    script = tmp_path / f"readme_{line}.py"
    script.write_text(code, encoding="utf-8")
    for time in ("first", "second"):
        done = subprocess.run(
            [sys.executable, "-P", "-W", "error", script.name],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, "PYTHONUTF8": "1"},
        )
        assert done.returncode == 0, f"README.md, line {line}, the {time} time:\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("name", ["exuvia", "exuvia.migrate", "exuvia.testing"])
def test_help_on_a_lazy_module_names_everything_in_a_line_before_any_details(name: str) -> None:
    module = importlib.import_module(name)
    page = pydoc.render_doc(module, renderer=pydoc.plaintext)
    table = (module.__doc__ or "").partition("|---|---|")[2].partition("\n\n")[0]
    assert [each for each in module.__all__ if each.strip("_") not in table and each != "__version__"] == []
    assert page.index("|---|---|") < 1_500
    assert "__getattr__" not in page
    assert "BaseException" not in page, "nobody asked for the methods of exceptions"


def test_every_key_of_the_configuration_is_documented_and_no_other() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    tables = {part.split("\n", 1)[0]: part for part in text.split("\n## ")[1:]}
    wanted = {
        "`[exuvia]`": reader.GENERAL,
        '`[unit."package.module:name"]`': units.KEYS,
        "`[group.NAME]`": groups.KEYS,
    }
    assert set(tables) == set(wanted)
    for heading, keys in wanted.items():
        rows = re.findall(r"^\| (`.*?) \|", tables[heading], re.MULTILINE)
        named = [key for row in rows for key in re.findall(r"`(\w+)`", row)]
        assert sorted(named) == sorted(keys), heading
