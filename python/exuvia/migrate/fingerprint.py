"""The fingerprint F: a hash over everything that decides what runs.

Evidence of one F says nothing of another. libc and CPU are not in it: the header of each segment names them.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.build import build_facts
from exuvia.migrate import binary, imports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exuvia.migrate.config import Config, UnitConfig

__all__ = ["build", "changes", "current", "of_unit", "parts", "sources"]

EXTENSION = "exuvia._exuvia"


def build() -> dict[str, str]:
    """Return the facts of the extension that is loaded, its build id and the SHA-256 of its file among them."""
    return dict(_build(binary.sha256()))


@functools.lru_cache(maxsize=2)
def _build(sha256: str) -> dict[str, str]:
    """Asked once a process: what is loaded stays loaded. Only its file's digest may be verified later."""
    return {name: str(value) for name, value in build_facts(sha256).items()}


@functools.lru_cache(maxsize=1)
def _binary() -> str:
    """The file of the extension, which F names by its digest."""
    return str(Path(getattr(sys.modules.get(EXTENSION), "__file__", "") or "").absolute())


@functools.lru_cache(maxsize=4096)
def _tail(path: str) -> str:
    """A file's name and its folder's."""
    return "/".join(Path(path).parts[-2:])


def sources(unit: UnitConfig, packages: tuple[str, ...] = (), graph: imports.Graph | None = None) -> dict[str, str]:
    """Return the files that both sides of a unit are made of, with the SHA-256 of each.

    These are the modules that the unit names and those that define what is found there, and what they import in
    turn within the packages: statements in functions and names in texts count, nothing is run. Of exuvia itself only
    the modules that are named count here: its version and the extension's build are in F.

    Args:
        unit: The unit, whose modules are imported already.
        packages: The packages that are followed; by default the top packages of both sides.
        graph: Shared by units whose sources are looked up together.
    """
    starts: list[str] = []
    tops = []
    for name in (unit.name, unit.candidate):
        module, _, qualname = name.partition(":")
        held: object = sys.modules.get(module)
        for part in qualname.split("."):
            held = getattr(held, part, None)
        tops.append(module.partition(".")[0])
        starts += [each for each in (module, getattr(held, "__module__", None)) if isinstance(each, str)]
    follow = {*packages, tops[1]} if packages else set(tops)
    return (graph or imports.Graph()).closure(
        [each for each in starts if each != EXTENSION], follow - {"exuvia"}, without=_binary()
    )


def parts(config: Config, unit: UnitConfig) -> dict[str, str]:
    """Return what F has in it beside the sources, each as a short digest or a version.

    The mode is not in it: a unit that climbs is the same unit.

    Args:
        config: The whole configuration.
        unit: The unit.
    """
    group = config.group_of(unit.name)
    rules = (
        *(unit.name, unit.candidate, unit.effect, unit.compare, unit.attributes, unit.strata, config.rehearsal),
        *(unit.isolation, unit.fallback),
    )
    gates = [(gate.name, gate.kind, sorted(gate.params.items(), key=str)) for gate in group.gates.values()]
    served = (group.served, group.served_keys, unit.activity)
    asked = (gates, group.sessions, group.activity, served, group.calendar, config.calendar)
    facts = _build(binary.sha256())
    return {
        "rules": _short(repr(rules)),
        "declared divergences": _short(repr(unit.divergences)),
        "gates": _short(repr(asked)),
        "extension": facts["sha256"],
        "build id": facts["build_id"],
        "exuvia": facts["version"],
        "Python": sys.version,
    }


def of_unit(
    config: Config,
    unit: UnitConfig,
    files: Mapping[str, str] | None = None,
    known: Mapping[str, str] | None = None,
) -> str:
    """Return the fingerprint of one unit: sources of both sides, rules, gates, extension, versions.

    Args:
        config: The whole configuration.
        unit: The unit.
        files: As `sources` returns them, where the modules are not imported.
        known: As `parts` returns them, if that was done already.
    """
    digest = hashlib.sha256()
    files = sources(unit, config.packages) if files is None else files
    said = (parts(config, unit) if known is None else known).values()
    digest.update(b"".join([*map(_framed, said), _named(tuple(files.items()))]))
    return digest.hexdigest()[:16]


@functools.lru_cache(maxsize=64)
def _named(files: tuple[tuple[str, str], ...]) -> bytes:
    """Files with their names, or two could change places; without their folders, which are others in a container."""
    return b"".join(map(_framed, sorted(f"{_tail(path)}/{digest}" for path, digest in files)))


@functools.lru_cache(maxsize=4096)
def _framed(part: str) -> bytes:
    """A text after its length: most parts are the same of all units."""
    data = part.encode()
    return len(data).to_bytes(8, "little") + data


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
    return of_unit(config, unit, {path: imports.digest(Path(path)) for path in files})


def changes(config: Config, unit: UnitConfig, header: Mapping[str, Any]) -> list[str]:
    """Say what is not as it was when a process ran: the files by name, rules, gates, extension, versions.

    Args:
        config: The whole configuration.
        unit: The unit.
        header: The first line of that process's evidence.
    """
    files = header.get("sources", {}).get(unit.name, {})
    found = [path for path, digest in files.items() if imports.digest(Path(path)) != digest]
    before = header.get("parts", {}).get(unit.name, {})
    now = parts(config, unit)
    return found + [name for name, said in before.items() if now.get(name) != said]


@functools.lru_cache(maxsize=256)
def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
