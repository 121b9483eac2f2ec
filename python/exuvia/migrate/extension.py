"""Does the compiled half of exuvia load, and if not, why? Standard library only: this is asked when it does not."""

from __future__ import annotations

import importlib
import platform
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

__all__ = ["REPAIR", "trouble"]

NAME = "_exuvia"
NEEDS = "exuvia.migrate.runtime"
REPAIR = "install the wheel for this Python and this machine anew (pip install --force-reinstall exuvia)"
SHOWN = 300


def trouble() -> str | None:
    """Say in one line why the extension does not load; `None` if it does.

    An extension that loads but is of another build, so that something which this package needs is not in it, does
    not load either.

    >>> trouble() is None
    True
    """
    try:
        importlib.import_module(f"exuvia.{NAME}")
        importlib.import_module(NEEDS)
    except Exception as error:
        # A broken binary fails as it likes, and must not take the program with it.
        said = " ".join(f"{type(error).__name__}: {error}".split())
        return f"the extension does not load ({said[:SHOWN]}{_beside()}; this is {_here()})"
    return None


def _beside() -> str:
    """What lies where the extension should lie, if this Python would not even look at it."""
    found = sorted(
        path.name for path in Path(__file__).parent.parent.glob(f"{NAME}.*") if path.suffix in (".so", ".pyd")
    )
    if any(name == f"{NAME}{suffix}" for name in found for suffix in EXTENSION_SUFFIXES):
        return ""
    return f"; there is only {', '.join(found)}, which is for another" if found else "; no file of it is there"


def _here() -> str:
    return f"{sys.implementation.cache_tag} on {platform.system()} {platform.machine()}"
