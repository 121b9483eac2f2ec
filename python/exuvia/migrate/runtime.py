"""The moult of this process: install, flip, status, uninstall."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

from exuvia.errors import MigrateError
from exuvia.migrate import children
from exuvia.migrate import config as configuration
from exuvia.migrate.dispatch import serving
from exuvia.migrate.evidence import term
from exuvia.migrate.gates.verdict import UnitStatus
from exuvia.migrate.installed import STOP_S, TERM_FLUSH_S, TERM_STOP_S, Installed
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.moving import SERVED
from exuvia.migrate.own import os
from exuvia.migrate.shadow import inside

if TYPE_CHECKING:
    from exuvia.migrate.config import Config
    from exuvia.migrate.dispatch.units import Unit

__all__ = ["install", "set_mode", "status", "uninstall"]

_current: Installed | None = None
_hooked = False


def install(config: str | os.PathLike[str] | Config | None = None) -> list[UnitStatus]:
    """Put the moult in place for this process: call it at the top of the program.

    The same configuration once more changes nothing.

    Args:
        config: `exuvia.toml`, else it is found: `EXUVIA_CONFIG`, beside `pyproject.toml`, this folder.

    Returns:
        The status of every unit.

    Raises:
        ConfigError: Naming file and line of what is unknown or forbidden; nothing was changed then.
        MigrateError: If a unit cannot be moved safely, or exuvia is installed already from another configuration.
    """
    global _current  # noqa: PLW0603 - one moult a process
    if inside.is_worker():
        return []
    loaded = config if isinstance(config, configuration.Config) else configuration.load(config)
    if _current is not None:
        configuration.same_or_refuse(_current.config, loaded, whole=loaded is config)
        return status()
    runtime = Installed(loaded)
    runtime.start()
    _current = runtime
    _hook_process()
    return status()


def uninstall() -> None:
    """Put every unit back to legacy's own code, write the last counters and stop watching.

    Raises:
        MigrateError: If someone else has patched a unit since; every other unit is back all the same.
    """
    global _current
    runtime, _current = _current, None
    if runtime is None:
        return
    runtime.stop.set()
    runtime.guard.stop()
    if runtime.thread is not None and not runtime.thread.here:
        runtime.thread.join(5.0)
    runtime.finish()
    runtime.hook.stop()
    runtime.children.stop()
    errors = runtime.put_back("uninstall")
    runtime.control.close()
    runtime.segment.close()
    if errors:
        raise errors[0]


def set_mode(unit: str, mode: str) -> None:
    """Flip one unit in this process; the next call follows. Raising a mode needs a rehearsal.

    In a rehearsal this goes above the file's mode too, and without a PASS: the evidence says who did it.

    Args:
        unit: The unit's name, as in the configuration.
        mode: `legacy`, `shadow`, `canary` or `rust`.

    Raises:
        MigrateError: If nothing is installed, the unit or mode is unknown, or the step is not allowed.
    """
    runtime = _require()
    if unit not in runtime.config.units:
        raise MigrateError(f"unknown unit {unit!r}: one of {', '.join(runtime.config.units)}")
    if unit in runtime.refused:
        raise MigrateError(f"unit {unit!r} cannot be flipped: {runtime.refused[unit]}")
    if unit not in runtime.units:
        raise MigrateError(f"unit {unit!r} waits for its module to be imported: it follows the mode journal then")
    if mode not in SERVED:
        raise MigrateError(f"unknown mode {mode!r}: one of {', '.join(SERVED)}")
    if mode == "canary" and runtime.config.units[unit].key is None:
        raise MigrateError(f'unit {unit!r} declares no key, which a canary needs: key = "$args.account"')
    current = runtime.units[unit].mode
    if not runtime.config.rehearsal and modes.lower(mode, current) != mode:
        raise MigrateError(
            f"unit {unit!r} cannot go from {current} to {mode} by hand: only a rehearsal may, else promote it"
        )
    runtime.flip(unit, mode, "set_mode")


def status() -> list[UnitStatus]:
    """Return the status of every unit of this process, with the verdict on what was compared so far.

    Raises:
        MigrateError: If nothing is installed.
    """
    runtime = _require()
    runtime.courier.flush(1.0)
    shared = runtime.control.notes()
    states = []
    for name, declared in runtime.config.units.items():
        unit = runtime.units.get(name)
        state = UnitStatus(unit=name, fingerprint=runtime.fingerprints[name], rehearsal=runtime.config.rehearsal)
        state.add(runtime.records[name].counters(standing_of(unit)))
        state.file, state.sample = declared.mode, declared.sample
        state.refused = runtime.refused.get(name, "")
        state.quarantined = str(runtime.said.quarantined.get(name, {}).get("cause") or "")
        late = [f"{declared.module} is not imported yet"] if name in runtime.waiting else []
        own = [] if unit is None else unit.notes
        state.notes = [
            *runtime.standing[name],
            *late,
            *own,
            *runtime.courier.notes(name),
            *state.object_notes(),
            *serving.notes(declared, state),
            *shared,
        ]
        if runtime.segment.trouble is not None:
            state.notes.append(runtime.segment.trouble)
        if runtime.said.broken is not None:
            state.notes.append(runtime.said.broken)
        state.notes += inside.uncontained(declared)
        states.append(state)
    return states


def standing_of(unit: Unit | None) -> str:
    """Where a unit stands: as it was flipped last, or lower if the control page has changed since."""
    if unit is None:
        return "legacy"
    return unit.switch.mode if unit.switch.unsettled else unit.mode


def _require() -> Installed:
    if _current is None:
        raise MigrateError("exuvia.migrate is not installed in this process: call exuvia.migrate.install() first")
    return _current


def _hook_process() -> None:
    global _hooked  # noqa: PLW0603 - once a process
    if children.is_child():
        children.flush_at_end(_at_child_end)
    if _hooked:
        return
    _hooked = True
    atexit.register(_at_end)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_in_child)
    term.hook(lambda: _at_exit(TERM_FLUSH_S, TERM_STOP_S))


def _at_exit(flush_s: float | None = None, stop_s: float = STOP_S) -> None:
    if _current is not None:
        _current.stop.set()
        _current.finish(flush_s, stop_s)
        if _current.pid == os.getpid():
            _current.segment.close()


def _at_end() -> None:
    with term.ending():
        _at_exit()
    if _current is not None:
        _current.withdraw()


def _at_child_end() -> None:
    with term.ending():
        _at_exit()


def _in_child() -> None:
    if _current is not None:
        _current.after_fork()
        children.flush_at_end(_at_child_end)
        children.farewell_at_exit(_farewell)


def _farewell() -> None:
    if _current is not None:
        _current.farewell()
