"""`exuvia rollback` and `exuvia promote`: the two commands that write the mode journal.

A rollback needs the standard library only, and no readable configuration.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exuvia.errors import ConfigError, MigrateError
from exuvia.migrate import config as configuration
from exuvia.migrate.modes import journal as modes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exuvia.migrate.config import Config

__all__ = ["promote", "rollback", "unknown"]

_EVIDENCE = re.compile(r"""^\s*evidence\s*=\s*["']([^"'\n]+)["']""", re.MULTILINE)
LIVING = "objects of a class that Rust has made go on until they are gone: restart to be sure"


def rollback(given: str | None, evidence: str | None, units: Sequence[str], reason: str) -> list[str]:
    """Write legacy into the journal; a configuration that cannot be read is no obstacle.

    Args:
        given: The configuration file, or `None` to find it.
        evidence: The evidence folder, instead of the configuration's.
        units: Units; every unit if none is named, or if the configuration cannot be read.
        reason: Kept in the journal.

    Returns:
        What was done, in lines.

    Raises:
        ConfigError: For a unit that is not declared, or if no evidence folder can be found.
    """
    lines: list[str] = []
    try:
        config = configuration.load(given, rules=False)
    except (ConfigError, OSError) as error:
        folder = Path(evidence).absolute() if evidence else _guess(given, error)
        lines.append(f"the configuration cannot be read ({error}): this is done for every unit, in {folder}")
        units = ()
    else:
        folder = Path(evidence).absolute() if evidence else config.evidence
        for unit in units:
            if unit not in config.units:
                raise unknown(unit, config)
    for unit in units or [modes.EVERY_UNIT]:
        modes.append(folder, unit, modes.MODES[0], reason)
        name = "every unit" if unit == modes.EVERY_UNIT else unit
        lines.append(f"{name}: legacy; running processes follow within a second")
    return [*lines, LIVING]


def _guess(given: str | None, error: Exception) -> Path:
    """The evidence folder of a configuration that cannot be read."""
    named = given or os.environ.get("EXUVIA_CONFIG")
    try:
        path = Path(named).absolute() if named else configuration.find()
        text = path.read_bytes().replace(b"\x00", b"").decode("utf-8", errors="replace")
    except (ConfigError, OSError):
        text, path = "", Path.cwd() / configuration.NAME
    found = _EVIDENCE.search(text)
    if found:
        return path.parent / found.group(1)
    for folder in dict.fromkeys((path.parent / "evidence", Path.cwd() / "evidence")):
        if folder.is_dir():
            return folder
    raise ConfigError(f"{error}; and no evidence folder is known: pass --evidence DIR")


def promote(config: Config, units: Sequence[str], mode: str, reason: str, *, glass: str | None, every: bool) -> int:
    """Raise what the journal allows units; to rust only with a PASS of the code as it is now.

    Args:
        config: The configuration.
        units: The units; each is judged by itself.
        mode: `shadow` or `rust`.
        reason: Kept in the journal.
        glass: Why a unit goes to rust without a PASS; kept in the journal too.
        every: Whether all units are meant whose ceiling allows it.

    Returns:
        0, or 1 for a unit that fails, or 3 for one of which too little is known.

    Raises:
        MigrateError: For a unit above its ceiling, or a journal that cannot be trusted; nothing is written.
    """
    from exuvia.migrate.evidence import reading  # noqa: PLC0415 - a rollback must not need the extension
    from exuvia.migrate.gates.verdict import EXIT  # noqa: PLC0415

    _refuse(config, units, mode, every=every)
    journal = modes.read(config.evidence)
    if journal.broken is not None:
        raise MigrateError(f"the mode journal cannot be trusted, so nothing is promoted: {journal.broken}")
    chosen = list(config.units) if every else list(dict.fromkeys(units))
    states = {state.unit: state for state in reading.statuses(config, reading.read_folder(config.evidence))}
    codes = [0]
    for unit in chosen:
        ceiling = config.units[unit].mode
        if modes.lower(ceiling, mode) != mode:
            _say(f"{unit}: left out, its mode in {config.path.name} is {ceiling}")
            continue
        verdict, why = states[unit].judged()
        broken = None
        if mode == "rust" and verdict != "PASS":
            if glass is None:
                print(  # noqa: T201
                    f'{unit}: refused, {verdict}: {why}; run it in shadow first, or --break-glass "REASON"',
                    file=sys.stderr,
                )
                codes.append(EXIT[verdict])
                continue
            broken = glass
            _say(f"{unit}: GLASS BROKEN ({glass}): rust without a PASS, {verdict}: {why}")
        modes.append(config.evidence, unit, mode, reason, break_glass=broken)
        _say(f"{unit}: {mode}; running processes follow within a second")
    return 1 if 1 in codes else max(codes)


def _refuse(config: Config, units: Sequence[str], mode: str, *, every: bool) -> None:
    if bool(units) == every:
        raise MigrateError("name the units to promote, or pass --all")
    for unit in units:
        if unit not in config.units:
            raise unknown(unit, config)
    if mode == "rust" and not config.rehearsal:
        raise MigrateError("shadow → rust needs the gates, which come later: only a rehearsal may")
    for unit in units:
        ceiling = config.units[unit].mode
        if modes.lower(ceiling, mode) != mode:
            raise MigrateError(f"{unit}: the configuration's ceiling is {ceiling}; raise mode in {config.path} first")


def unknown(unit: str, config: Config) -> ConfigError:
    """Make the error for a unit that is not declared.

    Args:
        unit: As it was named.
        config: The configuration.
    """
    import difflib  # noqa: PLC0415 - only for an error

    close = difflib.get_close_matches(unit, config.units, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"one of {', '.join(config.units)}"
    return ConfigError(f"{config.path}: unknown unit {unit!r}: {hint}")


def _say(text: str) -> None:
    print(text)  # noqa: T201
