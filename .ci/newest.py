"""The newest Python of the machine, and the wheel with the stable ABI for it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import environment
import needs
from places import BUILD, CI, VENV, python_of

if TYPE_CHECKING:
    from pathlib import Path

    from steps import Run

NAMES = ("python3.14", "python3.13", "python3.12", "python3")
PEERS = ("numpy", "wrapt", "laboratory")
# Without them pip and cargo would look at the interpreter of .venv/ instead.
OWN = {"PYO3_ENVIRONMENT_SIGNATURE": None, "PYO3_PYTHON": None, "PYTHON_SYS_EXECUTABLE": None}


def python() -> str | None:
    """Python 3.12 or newer, the newest by name; ABI3_PYTHON names another one."""
    newer = "import sys; print(sys.version_info >= (3, 12))"
    asked = [os.environ["ABI3_PYTHON"]] if os.environ.get("ABI3_PYTHON") else []
    return next((name for name in (*asked, *NAMES) if needs.says(name, "-c", newer) == "True"), None)


def wheel(run: Run, interpreter: str, profile: str, out: Path) -> Path:
    """Builds the wheel with the stable ABI; returns its folder."""
    shutil.rmtree(out, ignore_errors=True)
    maturin = [python_of(VENV), "-m", "maturin", "build", "--profile", profile, "--locked"]
    run.must(f"build with the stable ABI, profile {profile}", [*maturin, "-i", interpreter, "-o", out], env=OWN)
    return out


def bench_venv(run: Run, interpreter: str, wheels: Path) -> Path:
    """An environment of that interpreter with the wheel and the peers of the dispatch rows."""
    venv = BUILD / "venv-newest"
    shutil.rmtree(venv, ignore_errors=True)
    run.must("make venv-newest", [interpreter, "-m", "venv", venv])
    built = next(iter(wheels.glob("exuvia-*.whl")))
    run.must(
        "install peers and wheel", [python_of(venv), *environment.PIP, *PEERS, built, "-c", CI / "constraints.txt"]
    )
    return venv
