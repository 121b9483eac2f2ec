"""The wheel as it is installed: its extension, its size, its start-up time, its documentation."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib
import importlib.metadata
import inspect
import pkgutil
import statistics
import subprocess
import sys
from pathlib import Path
from types import GenericAlias, ModuleType

import exuvia
import pytest

LIMIT_BYTES = 12_000_000
LIMIT_SECONDS = 0.080
ROUNDS = 9
ROOT = Path(__file__).resolve().parent.parent
INSTALLED = Path(inspect.getfile(exuvia)).parent


def record() -> dict[str, tuple[str, str]]:
    """The RECORD of the installed wheel: hash and size by path."""
    text = importlib.metadata.distribution("exuvia").read_text("RECORD")
    assert text is not None, "the installed exuvia has no RECORD: it was not installed from a wheel"
    return {path: (digest, size) for path, digest, size in csv.reader(text.splitlines())}


def extension() -> Path:
    """The extension that this process has loaded."""
    return Path(inspect.getfile(importlib.import_module("exuvia._exuvia")))


def modules() -> list[ModuleType]:
    """The package and every module in it that a user may import."""
    names = [found.name for found in pkgutil.walk_packages(exuvia.__path__, "exuvia.")]
    public = [name for name in names if not any(part.startswith("_") for part in name.split("."))]
    return [exuvia, *(importlib.import_module(name) for name in public)]


def exported() -> list[tuple[str, str]]:
    """Every name in an `__all__`, with its module."""
    return [(module.__name__, name) for module in modules() for name in getattr(module, "__all__", [])]


def test_the_loaded_extension_is_the_one_in_the_record() -> None:
    path = extension()
    name = f"exuvia/{path.name}"
    assert name in record()
    digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()
    assert record()[name][0] == f"sha256={digest}"


def test_no_second_extension_lies_on_the_path() -> None:
    found = {
        path.resolve()
        for entry in sys.path
        if entry
        for pattern in ("exuvia/_exuvia*", "_exuvia*")
        for path in Path(entry).glob(pattern)
        if path.suffix in {".so", ".pyd", ".dylib"}
    }
    assert found == {extension().resolve()}


def test_the_package_is_not_the_source_tree() -> None:
    assert not INSTALLED.resolve().is_relative_to(ROOT / "python")


def test_the_wheel_is_typed() -> None:
    assert (INSTALLED / "py.typed").is_file()
    assert "exuvia/py.typed" in record()


def test_the_wheel_is_under_twelve_megabytes() -> None:
    wheels = list((ROOT / "build" / "wheels" / "ci").glob("exuvia-*.whl"))
    if not wheels:
        pytest.skip("the wheel itself is not beside this checkout: only its installed files are")
    assert [path.stat().st_size for path in wheels if path.stat().st_size >= LIMIT_BYTES] == []


def test_the_wheel_holds_no_source_test_or_data() -> None:
    strangers = [path for path in record() if Path(path).suffix in {".rs", ".zip", ".parquet", ".csv", ".h", ".c"}]
    assert strangers == []


def printed(program: str) -> float:
    """The number that a program prints, in a process of its own."""
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    return float(done.stdout)


@pytest.mark.timing
def test_import_adds_less_than_eighty_milliseconds() -> None:
    """The processor's time, not the wall's: a busy machine would make this a test of its neighbours."""
    program = "import time; t = time.process_time(); import exuvia; print(time.process_time() - t)"
    printed(program)
    times = [printed(program) for _ in range(ROUNDS)]
    assert statistics.median(times) < LIMIT_SECONDS, times


@pytest.mark.parametrize("heavy", ["numpy", "arro3", "rich", "pandas", "pyarrow", "asyncio", "exuvia.migrate.cli.main"])
def test_import_loads_nothing_heavy(heavy: str) -> None:
    program = f"import exuvia, sys; print(int({heavy!r} in sys.modules))"
    assert printed(program) == 0


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_every_module_says_what_it_is_for(module: ModuleType) -> None:
    text = inspect.getdoc(module)
    assert text
    assert len(text.splitlines()[0]) > 20


@pytest.mark.parametrize(("module", "name"), exported())
def test_every_exported_name_is_documented(module: str, name: str) -> None:
    value = getattr(importlib.import_module(module), name)
    if isinstance(value, (str, int, float, tuple, frozenset, GenericAlias)):
        return
    if module == "exuvia.migrate.own":
        # The standard library's, as it was found: it says itself what it is.
        return
    assert inspect.getdoc(value), f"{module}.{name} has no docstring"
    if not isinstance(value, (type, ModuleType)) and callable(value):
        assert inspect.signature(value) is not None
