"""Where the two sides of a unit are looked for, and what is said if one is not there. Nothing is imported."""

from __future__ import annotations

import difflib
import pkgutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exuvia.migrate.dispatch import hook
from exuvia.migrate.worth.source import find_module

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exuvia.errors import ConfigError
    from exuvia.migrate.config import Config, UnitConfig

__all__ = ["missing", "refused"]


def refused(config: Config, unit: UnitConfig, module: str, key: str | None) -> ConfigError:
    """Make the error for a side whose module is nowhere.

    Args:
        config: The configuration.
        unit: The unit.
        module: The module.
        key: `candidate` for the candidate's side, nothing for legacy's.
    """
    return config.refuse(unit.name, _said(config, unit, module, key), key)


def missing(config: Config, unit: UnitConfig) -> list[str]:
    """Say of both sides of a unit which is not found, neither beside the configuration nor on the path.

    Args:
        config: The configuration.
        unit: The unit.
    """
    found = []
    for name, key in ((unit.name, None), (unit.candidate, "candidate")):
        module, _, qualname = name.partition(":")
        path = find_module(module, ["", str(config.path.parent), *sys.path])
        if path is None:
            if not _there(module):
                found.append(_said(config, unit, module, key))
            continue
        wrong = _unnamed(path, qualname)
        if wrong:
            found.append(f"{name!r} is unknown: {wrong}")
    return found


def _unnamed(path: Path, qualname: str) -> str:
    """What of a name does not occur in a module's source at all."""
    from exuvia.migrate.dispatch.foresight import words_of  # noqa: PLC0415 - it refuses with what stands here

    words = words_of(path)
    for part in qualname.split(".") if words else ():
        if part not in words:
            close = ", ".join(map(repr, difflib.get_close_matches(part, words, n=3))) or "nothing like it"
            return f"{part!r} is not there; there is {close}"
    return ""


def _there(module: str) -> bool:
    try:
        return hook.origin(module) is not None
    except Exception:
        return True


def _said(config: Config, unit: UnitConfig, module: str, key: str | None) -> str:
    side = "" if key is None else f"{key} = {unit.candidate!r}: "
    folder = config.path.parent
    if find_module(module, [folder]) is not None:
        where = f"it lies in {folder}; run this where the program runs"
        return f"{side}module {module!r} cannot be imported from here: {where}"
    meant = _nearest(module, ["", str(folder), *sys.path])
    scaffold = "" if key is None else f", or write a first one: exuvia scaffold {unit.name}"
    return (
        f"{side}module {module!r} cannot be imported: no such module is found{meant}; run this where the program "
        f"runs{scaffold}"
    )


def _nearest(module: str, roots: Sequence[str]) -> str:
    """What is there and sounds like it, below the same package."""
    package, _, last = module.rpartition(".")
    folders = [str(Path(root or ".", *package.split("."))) if package else root or "." for root in roots]
    names = {found.name for found in pkgutil.iter_modules([folder for folder in folders if Path(folder).is_dir()])}
    # What comes with Python is nobody's candidate.
    close = difflib.get_close_matches(last, names if package else names - sys.stdlib_module_names, n=1)
    return f": did you mean {'.'.join(filter(None, (package, close[0])))!r}?" if close else ""
