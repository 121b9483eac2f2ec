"""The fingerprint F: a hash over everything that decides what runs.

Evidence of one F says nothing of another.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.build import build_info

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exuvia.migrate.config import Config, UnitConfig

__all__ = ["build", "current", "of_unit", "sources"]


def build() -> dict[str, str]:
    """Return the facts of the extension that is loaded, its SHA-256 among them."""
    return {name: str(value) for name, value in build_info().items()}


def sources(unit: UnitConfig) -> dict[str, str]:
    """Return the files that hold both sides of a unit, with the SHA-256 of each.

    These are the modules that the unit names and those that define what is found there: a candidate that
    a package re-exports counts by its own file. Modules that these import in turn are not followed.

    Args:
        unit: The unit, whose modules are imported.
    """
    found: dict[str, str] = {}
    for name in (unit.name, unit.candidate):
        module, _, qualname = name.partition(":")
        held: object = sys.modules.get(module)
        for part in qualname.split("."):
            held = getattr(held, part, None)
        for each in (module, getattr(held, "__module__", None)):
            path = getattr(sys.modules.get(str(each)), "__file__", None)
            if path and each != "exuvia._exuvia":
                found[str(Path(path).absolute())] = _digest(Path(path))
    return found


def of_unit(config: Config, unit: UnitConfig, files: Mapping[str, str] | None = None) -> str:
    """Return the fingerprint of one unit: sources of both sides, rules, calendar, extension, Python.

    The mode is not in it: a unit that climbs is the same unit.

    Args:
        config: The whole configuration.
        unit: The unit.
        files: As `sources` returns them, where the modules are not imported.
    """
    digest = hashlib.sha256()
    settings = (
        unit.name,
        unit.candidate,
        unit.effect,
        unit.compare,
        unit.attributes,
        config.calendar,
        config.rehearsal,
    )
    files = sources(unit) if files is None else files
    for part in (repr(settings), build()["sha256"], sys.version, *sorted(files.values())):
        digest.update(len(part.encode()).to_bytes(8, "little"))
        digest.update(part.encode())
    return digest.hexdigest()[:16]


def current(config: Config, unit: UnitConfig, header: Mapping[str, Any]) -> str:
    """Return the fingerprint that a unit has now, by the files that a process recorded; nothing is imported.

    Args:
        config: The whole configuration.
        unit: The unit.
        header: The first line of that process's evidence.
    """
    files = header.get("sources", {}).get(unit.name)
    if files is None:
        return ""
    return of_unit(config, unit, {path: _digest(Path(path)) for path in files})


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "missing"
