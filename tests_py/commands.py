"""Commands as a user runs them: a process of its own in a folder, without the settings of this run."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["environment", "exuvia", "python"]

OURS = ("EXUVIA_", "PYTEST", "PYTHON", "COLUMNS")
"""How the variables of this run begin that no command may see."""


def environment(**more: str) -> dict[str, str]:
    """The variables of a command; a program that a test writes twice in a second is not taken from its bytecode."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    kept |= {name: os.environ[name] for name in ("EXUVIA_MARKS",) if name in os.environ}
    return kept | {"PYTHONDONTWRITEBYTECODE": "1"} | more


def python(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The interpreter with some words, in a folder, under variables that `more` adds."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def exuvia(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The command `exuvia`."""
    return python(folder, "-m", "exuvia", *words, **more)
