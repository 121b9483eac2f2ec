"""Where things lie: the checkout, the environments, the logs, the market data."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CI = ROOT / ".ci"
BUILD = ROOT / "build"
LOGS = BUILD / "logs"
WHEELS = BUILD / "wheels"
WHEELHOUSE = BUILD / "wheelhouse"
DIST = ROOT / "dist"
VENV = ROOT / ".venv"
BARE = ROOT / ".venv-bare"
COVERED = ROOT / ".venv-coverage"


def bin_of(venv: Path) -> Path:
    """The folder of an environment's programs."""
    return venv / ("Scripts" if platform.system() == "Windows" else "bin")


def python_of(venv: Path) -> Path:
    """The interpreter of an environment."""
    return bin_of(venv) / ("python.exe" if platform.system() == "Windows" else "python")


def market_data() -> Path | None:
    """The folder with real market data, or None: EXUVIA_DATA, else ../shared/data beside the checkout."""
    folder = Path(os.environ.get("EXUVIA_DATA") or ROOT.parent / "shared" / "data")
    return folder.resolve() if folder.is_dir() else None


def base_python() -> str:
    """The interpreter that environments are made from: never the one of another environment."""
    return str(Path(getattr(sys, "_base_executable", sys.executable)))
