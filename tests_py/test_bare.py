"""What must work where only the wheel and what it requires are installed: no index, no toolchain, no pandas.

`make test` runs this file twice: in `.venv/`, and in `.venv-bare/` with a path that holds nothing else.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import pkgutil
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import exuvia
import pytest

BARE = os.environ.get("EXUVIA_BARE") == "1"


@pytest.mark.skipif(not BARE, reason="only the bare environment is bare")
def test_the_bare_environment_is_bare() -> None:
    for program in ("cargo", "rustc", "cc", "gcc"):
        assert shutil.which(program) is None
    for module in ("pandas", "pyarrow", "polars", "numpy", "httpx", "websockets", "maturin"):
        assert importlib.util.find_spec(module) is None
    assert os.environ["PIP_NO_INDEX"] == "1"


def test_every_module_imports_without_extras() -> None:
    for found in pkgutil.walk_packages(exuvia.__path__, "exuvia."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)


def test_the_smoke_test_of_each_wheel_needs_nothing_that_only_tests_have() -> None:
    """The workflow runs it where nothing but the wheel is installed."""
    use = runpy.run_path(str(Path(__file__).parents[1] / ".ci" / "smoke.py"))["USE"]
    hidden = 'import sys\nfor name in ("pytest", "hypothesis"):\n    sys.modules[name] = None\n'
    done = subprocess.run(
        [sys.executable, "-I", "-c", hidden + use], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert exuvia.__version__ in done.stdout


def test_the_version_is_that_of_the_wheel() -> None:
    assert exuvia.__version__ == importlib.metadata.version("exuvia")


def test_the_command_line_answers() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "exuvia", "--help"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "status" in done.stdout


def test_the_script_is_installed_beside_the_interpreter() -> None:
    folder = Path(sys.executable).parent
    assert any((folder / name).is_file() for name in ("exuvia", "exuvia.exe"))


def test_without_numpy_tables_work_and_arrays_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a fresh interpreter from which NumPy is hidden."""
    code = """
import sys
sys.modules["numpy"] = None  # an import of it fails now
del sys.modules["numpy"]
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            raise ModuleNotFoundError("No module named 'numpy'")
sys.meta_path.insert(0, Hidden())
from arro3.core import Array, DataType, Table
from exuvia import bars
from exuvia.errors import SchemaError
ts = Array([0, 61_000_000_000], DataType.int64())
price = Array([1.5, 2.5], DataType.float64())
assert bars.bars_from_ticks(Table.from_pydict({"ts": ts, "price": price}), every="1m").num_rows == 2
minutes = bars.bars_from_ticks({"ts": ts, "price": price}, every="1m")
for call, error in ((lambda: bars.columns(minutes), ModuleNotFoundError),
                    (lambda: bars.bars_from_ticks([1, 2], [1.0, 2.0], every="1m"), SchemaError)):
    try:
        call()
    except error as caught:
        print(type(caught).__name__, caught)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert 'pip install "exuvia[numpy]"' in done.stdout
    assert "pass a NumPy array" in done.stdout
