"""The fingerprint F: a hash over everything that decides what runs.

Evidence of one F says nothing of another.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exuvia.build import build_info

if TYPE_CHECKING:
    from exuvia.migrate.config import Config, UnitConfig

__all__ = ["build", "of_unit"]


def build() -> dict[str, str]:
    """Return the facts of the extension that is loaded, its SHA-256 among them."""
    return {name: str(value) for name, value in build_info().items()}


def of_unit(config: Config, unit: UnitConfig) -> str:
    """Return the fingerprint of one unit: sources of both sides, rules, calendar, extension, Python.

    The mode is not in it: a unit that climbs is the same unit.

    Args:
        config: The whole configuration.
        unit: The unit.
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
    for part in (
        repr(settings),
        build()["sha256"],
        sys.version,
        source(unit.module),
        source(unit.candidate.partition(":")[0]),
    ):
        data = part if isinstance(part, bytes) else part.encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:16]


def source(module: str) -> bytes:
    """Return a module's source, or its name if it has none.

    Args:
        module: An imported module's name.
    """
    path = getattr(sys.modules.get(module), "__file__", None)
    if not path or not str(path).endswith(".py"):
        return module.encode()
    return Path(path).read_bytes()
