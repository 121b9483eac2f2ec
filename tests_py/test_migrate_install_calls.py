"""What install does for a unit is counted in calls: times say little on a machine that is at work for others."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import importlib, pathlib, sys
from exuvia.migrate import install, load, runtime, uninstall

here = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(here))
counted = []
for number, many in enumerate((1, 10, 60)):
    folder = here / f"evidence{number}"
    names = [f"price{each}" for each in range(many)]
    for module in (f"desk{number}", f"fast{number}"):
        (here / f"{module}.py").write_text("".join(f"def {name}(x, y=2):\\n    return x + y\\n" for name in names))
        importlib.import_module(module)
    unit = '[unit."desk{0}:{1}"]\\ncandidate = "fast{0}:{1}"\\neffect = "pure"\\nmode = "rust"\\n'
    text = f'[exuvia]\\nrehearsal = true\\nevidence = "{folder}"\\n' + "".join(unit.format(number, n) for n in names)
    file = here / f"exuvia{number}.toml"
    file.write_text(text)
    file.chmod(0o600)
    config = load(file)
    calls = 0
    def count(frame, event, arg):
        global calls
        calls += event == "call"
    sys.setprofile(count)
    states = install(config)
    sys.setprofile(None)
    assert [state.mode for state in states] == ["rust"] * many
    uninstall()
    counted.append(calls)
print(*counted)
"""
MOST_A_UNIT = 260
MOST_BESIDE = 1_500


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, int]:
    """Calls of Python that install makes for each unit, and besides."""
    folder: Path = tmp_path_factory.mktemp("counted")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={name: value for name, value in os.environ.items() if not name.startswith("COV")},
    )
    assert done.returncode == 0, done.stderr
    _, few, many = map(int, done.stdout.split())
    return (many - few) // 50, few - 10 * (many - few) // 50


def test_install_makes_few_calls_for_each_unit(counted: tuple[int, int]) -> None:
    assert 50 < counted[0] < MOST_A_UNIT


def test_install_makes_few_calls_whatever_the_number_of_units(counted: tuple[int, int]) -> None:
    assert 100 < counted[1] < MOST_BESIDE
