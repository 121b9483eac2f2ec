"""The door of the moult: `install`, `status`, `set_mode`, `uninstall`, also where the extension does not load.

With the extension they are those of `exuvia.migrate.runtime`. Without it legacy's own code serves every unit that file
and journal put no higher than canary, loudly; a unit that is to serve in rust keeps the program from starting. That
path uses the standard library only.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate import config as configuration
from exuvia.migrate import extension
from exuvia.migrate.gates.verdict import UnitStatus
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.modes import standing
from exuvia.migrate.shadow import inside

if TYPE_CHECKING:
    from exuvia.migrate.config import Config
    from exuvia.migrate.own import os

__all__ = ["bare_status", "install", "load", "set_mode", "status", "uninstall"]


class _Bare:
    """A process that runs without the extension: legacy serves.

    Args:
        config: The configuration.
        cause: Why the extension does not load.
    """

    def __init__(self, config: Config, cause: str) -> None:
        self.config, self.cause = config, cause


_bare: _Bare | None = None


def install(config: str | os.PathLike[str] | Config | None = None) -> list[UnitStatus]:
    """Put the moult in place for this process: call it at the top of the program.

    The same configuration once more changes nothing. If the extension does not load, legacy serves all units, one line
    on standard error says so, and `status` does.

    Args:
        config: `exuvia.toml`, else it is found: `EXUVIA_CONFIG`, beside `pyproject.toml`, this folder.

    Returns:
        The status of every unit.

    Raises:
        ConfigError: Naming file and line of what is unknown or forbidden; nothing was changed then.
        MigrateError: If a unit cannot be moved safely, exuvia is installed already from another configuration, or a
            unit is to serve in rust and the extension does not load.
    """
    global _bare  # noqa: PLW0603 - one moult a process
    if inside.is_worker():
        return []
    cause = extension.trouble()
    if cause is None:
        found: list[UnitStatus] = _runtime().install(config)
        return found
    loaded = config if isinstance(config, configuration.Config) else configuration.load(config, rules=False)
    if _bare is not None:
        configuration.same_or_refuse(_bare.config, loaded, whole=loaded is config)
        return status()
    states = bare_status(loaded, cause)
    _refuse_rust(loaded, states, cause)
    _bare = _Bare(loaded, cause)
    units = "all units" if len(states) != 1 else states[0].unit
    _say(f"WARNING: {cause}: legacy serves {units}, nothing is compared or flipped: {extension.REPAIR} and restart")
    return states


def load(given: str | os.PathLike[str] | None = None) -> Config:
    """Read the configuration, without its rules being read by the comparator where there is none.

    Args:
        given: The file, else it is found.

    Raises:
        ConfigError: Naming file and line.
    """
    return configuration.load(given, rules=extension.trouble() is None)


def uninstall() -> None:
    """Put every unit back to legacy's own code, write the last counters and stop watching.

    Raises:
        MigrateError: If someone else has patched a unit since; every other unit is back all the same.
    """
    global _bare  # noqa: PLW0603 - one moult a process
    if _bare is not None:
        _bare = None
    elif "exuvia.migrate.runtime" in sys.modules:
        _runtime().uninstall()


def set_mode(unit: str, mode: str) -> None:
    """Flip one unit in this process; the next call follows. Raising a mode needs a rehearsal.

    In a rehearsal this goes above the file's mode too, and without a PASS: the evidence says who did it.

    Args:
        unit: The unit's name, as in the configuration.
        mode: `legacy`, `shadow`, `canary` or `rust`.

    Raises:
        MigrateError: If nothing is installed, the unit or mode is unknown, the step is not allowed, or the extension
            does not load.
    """
    if _bare is None:
        _installed().set_mode(unit, mode)
    elif unit not in _bare.config.units:
        raise MigrateError(f"unknown unit {unit!r}: one of {', '.join(_bare.config.units)}")
    elif mode != modes.MODES[0]:
        raise MigrateError(f"unit {unit!r} cannot go to {mode}: {_bare.cause}: {extension.REPAIR} and restart")


def status() -> list[UnitStatus]:
    """Return the status of every unit of this process, with the verdict on what was compared so far.

    Raises:
        MigrateError: If nothing is installed.
    """
    if _bare is not None:
        return bare_status(_bare.config, _bare.cause)
    states: list[UnitStatus] = _installed().status()
    return states


def bare_status(config: Config, cause: str) -> list[UnitStatus]:
    """Say of every unit where file and journal put it, and that legacy serves it or that it cannot start.

    Args:
        config: The configuration.
        cause: Why the extension does not load.

    Returns:
        One status a unit, INCONCLUSIVE each: evidence cannot be read without the extension.
    """
    said = modes.read(config.evidence)
    states = []
    for name, unit in config.units.items():
        place = standing.of_unit(config, said, name, unit.mode)
        served = modes.lower(place.mode, "canary") == place.mode
        state = UnitStatus(unit=name, file=unit.mode, rehearsal=config.rehearsal)
        state.effective = state.mode = modes.MODES[0] if served else place.mode
        what = f"legacy serves, file and journal say {place.mode}" if served else f"{place.mode} refuses to start"
        state.notes = [f"{what}: {cause}: {extension.REPAIR}", *([place.why] if place.why else [])]
        states.append(state)
    return states


def _refuse_rust(config: Config, states: list[UnitStatus], cause: str) -> None:
    stuck = [state for state in states if state.mode != modes.MODES[0]]
    if stuck:
        named = ", ".join(f"{state.unit} ({state.mode})" for state in stuck)
        back = " ".join(["exuvia rollback", *(state.unit for state in stuck)])
        raise MigrateError(
            f"nothing was started: {named} is not to be served by legacy, and {cause}. Either {extension.REPAIR}; "
            f"or let legacy serve: {back} --config {config.path} --evidence {config.evidence}"
        )


def _runtime() -> Any:
    return importlib.import_module("exuvia.migrate.runtime")


def _installed() -> Any:
    if "exuvia.migrate.runtime" not in sys.modules:
        raise MigrateError("exuvia.migrate is not installed in this process: call exuvia.migrate.install() first")
    return _runtime()


def _say(text: str) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"exuvia: {text}\n")
