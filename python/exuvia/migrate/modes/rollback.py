"""`exuvia rollback`: units back to legacy, in every process.

It needs the standard library only, no extension and no readable configuration; nobody's approval either.
"""

from __future__ import annotations

import contextlib
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.errors import ConfigError, MigrateError
from exuvia.migrate import config as configuration
from exuvia.migrate.evidence.folder import DAY, SUFFIX
from exuvia.migrate.modes import hooks, overlays, standing, transitions
from exuvia.migrate.modes.entries import MODES
from exuvia.migrate.modes.names import follows, group_named, unknown
from exuvia.migrate.modes.said import EVERY_UNIT, read
from exuvia.migrate.modes.writing import FULL, open_journal
from exuvia.migrate.own import os

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exuvia.migrate.config import Config

__all__ = ["Done", "by_kill_file", "rollback"]

PAGE = "modes.page"
_EVIDENCE = re.compile(r"""^\s*evidence\s*=\s*["']([^"'\n]+)["']""", re.MULTILINE)
LIVING = "objects of a class that Rust has made go on until they are gone: restart to be sure"


@dataclass(slots=True)
class Done:
    """What a rollback did.

    Attributes:
        folder: The evidence folder.
        units: What was put back: `*` is every unit.
        retired: What cannot be put back by a mode.
        lines: The same in words.
    """

    folder: Path
    units: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for `--json`."""
        said = {"evidence": str(self.folder), "units": self.units, "retired": self.retired, "lines": self.lines}
        return {"overall": "FAIL" if self.retired else "PASS", **said}


def rollback(given: str | None, evidence: str | None, names: Sequence[str], reason: str) -> Done:
    """Write legacy into the journal; a configuration that cannot be read is no obstacle.

    Args:
        given: The configuration file, or `None` to find it.
        evidence: The evidence folder, instead of the configuration's.
        names: Units and groups; every unit if none is named, or if the configuration cannot be read.
        reason: Kept in the journal.

    Returns:
        What was done.

    Raises:
        ConfigError: For a unit that is not declared, or if no evidence folder can be found.
        FileExistsError: If a file stands where the evidence folder must be.
        MigrateError: If the folder was named and is not there, or neither the journal nor the kill file could be
            written: it says what holds all the same.
    """
    config: Config | None = None
    lines: list[str] = []
    try:
        config = configuration.load(given, rules=False)
    except (ConfigError, OSError) as error:
        folder = Path(evidence).absolute() if evidence else _guess(given, error)
        lines.append(f"the configuration cannot be read ({error}): this is done for every unit, in {folder}")
    else:
        folder = Path(evidence).absolute() if evidence else config.evidence
    _refuse_nowhere(folder, evidence, config)
    nobody = not _written(folder)
    done = Done(folder, lines=lines)
    entries = _entries(config, names, done)
    lowered = [unit for entry in entries for unit in entry.get("units", [entry["unit"]])]
    try:
        with open_journal(folder, lowers=True) as pen:
            for entry in entries:
                pen.append({**entry, "mode": MODES[0], "reason": reason})
    except OSError as error:
        _by_file(config, error, done, lowered)
    overlays.demote(folder, None if EVERY_UNIT in [*lowered, *done.units] else lowered)
    if config is not None:
        overlays.publish(config)
        hooks.call(config, {"event": "rollback", "unit": ", ".join(done.units), "cause": reason})
    if config is None or any(_may_be_class(config, unit) for unit in _put_back(config, [*lowered, *done.units])):
        done.lines.append(LIVING)
    if nobody:
        configured = (
            "" if config is None or folder == config.evidence else f"; the configuration says {config.evidence}"
        )
        done.lines.append(
            f"WARNING: no process has ever written into {folder}: a program that runs by another evidence folder is "
            f"not put back by this{configured}"
        )
    return done


def _refuse_nowhere(folder: Path, evidence: str | None, config: Config | None) -> None:
    """Refuse a folder that was named and is not there: whatever runs, runs by another, and would not be put back."""
    if config is None or not evidence or folder == config.evidence or folder.exists() or folder.is_symlink():
        # Without a configuration nobody knows a better one.
        return
    meant = f"; the configuration says {config.evidence}"
    raise MigrateError(f"nothing was put back: there is no evidence folder {folder}, so no process runs by it{meant}")


def _written(folder: Path) -> bool:
    """Whether a process has ever left something in an evidence folder, or the folder cannot be looked at."""
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:
        return folder.exists()
    return any(name.endswith(SUFFIX) or name.startswith(DAY) or name == PAGE for name in names)


def _put_back(config: Config, lowered: Sequence[str]) -> list[str]:
    return [unit for unit in config.units if EVERY_UNIT in lowered or unit in lowered]


def _may_be_class(config: Config, unit: str) -> bool:
    """Whether a unit is a class, or a module, or nobody can tell without running it: its source is only read."""
    module, _, path = unit.partition(":")
    name, place = path.rpartition(".")[2], Path(*module.split("."))
    for base in dict.fromkeys((config.path.parent, config.path.parent / "src", *map(Path, sys.path))):
        for file in (base / place.with_suffix(".py"), base / place / "__init__.py"):
            with contextlib.suppress(OSError, UnicodeDecodeError):
                text = file.read_text(encoding="utf-8")
                return not re.search(rf"^\s*(async\s+)?def\s+{re.escape(name)}\b", text, re.MULTILINE)
    return True


def _entries(config: Config | None, names: Sequence[str], done: Done) -> list[dict[str, Any]]:
    """What is written, unit by unit where one is named or some are retired."""
    journal = read(done.folder)
    known = [] if config is None else [*config.units]
    done.retired = [unit for unit in known if journal.broken is None and journal.said(unit) == "retired"]
    entries: list[dict[str, Any]] = []
    if config is not None and (names or done.retired):
        wrong = [name for name in names if name not in config.units and name not in config.groups]
        if wrong:
            said = unknown(wrong[0], config)
            raise ConfigError(f"nothing was put back: {said}") from said
        for name in names or [unit for unit in known if unit not in done.retired]:
            group = group_named(config, name)
            units = [name] if name in config.units else [unit for unit in group.units if unit not in done.retired]
            if name not in done.retired:
                entries.append({"unit": name} | ({} if units == [name] else {"units": units}))
        if names:
            done.retired = [unit for unit in done.retired if unit in names]
    else:
        entries.append({"unit": EVERY_UNIT})
    done.units = [str(entry["unit"]) for entry in entries]
    for name in done.units:
        done.lines.append(f"{'every unit' if name == EVERY_UNIT else name}: legacy; {follows(config, name)}")
    done.lines += [f"{unit}: {transitions.WAY_BACK}" for unit in done.retired]
    return entries


def _by_file(config: Config | None, error: OSError, done: Done, lowered: Sequence[str]) -> None:
    """The journal's disk is full or read-only: make the kill file, which may lie on another, else lower the page."""
    if config is not None and config.kill_file is not None:
        try:
            os.close(os.open(config.kill_file, os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))
        except OSError as other:
            raise _by_page(error, f"; nor can the kill file be made: {other}", done, lowered) from error
        done.units = [EVERY_UNIT]
        done.lines = [
            f"the mode journal cannot be written ({error}), so the kill file {config.kill_file} was made: every unit "
            "of every process serves legacy for as long as it is there"
        ]
        return
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        raise error  # there is no evidence folder, so nothing runs by one
    raise _by_page(error, "", done, lowered) from error


def _by_page(error: OSError, more: str, done: Done, lowered: Sequence[str]) -> MigrateError:
    """Lower what runs, which needs no room on the disk, and say what holds."""
    cure = "free space" if error.errno in FULL else "mend that"
    trouble = overlays.demote(done.folder, None if EVERY_UNIT in lowered else lowered, unrecorded=True)
    if trouble is None:
        holds = (
            f"lowered in running processes, not on record: they serve legacy for as long as {done.folder / PAGE} stays "
            f"as it is; {cure} and run it again"
        )
    else:
        holds = f"nothing was lowered ({trouble}): {cure} and run it again"
    said = " ".join(f"{line};" for line in done.lines if "cannot be read" in line)
    return MigrateError(
        f"{said} the mode journal cannot be written ({error}{more}): {holds}; or kill -USR2 PID".lstrip()
    )


def by_kill_file(config: Config) -> bool:
    """Write into the journal what a kill file says, so that taking it away raises nothing.

    Args:
        config: The configuration.

    Returns:
        Whether something was written.

    Raises:
        OSError: If the journal could not be written.
    """
    why = standing.killed(config)
    if why is None or not _stands(config):
        return False
    with open_journal(config.evidence, lowers=True) as pen:
        if not _stands(config):
            return False
        pen.append({"unit": EVERY_UNIT, "mode": MODES[0], "reason": why})
    overlays.publish(config)
    hooks.call(config, {"event": "rollback", "unit": EVERY_UNIT, "cause": why})
    return True


def _stands(config: Config) -> bool:
    """Whether the journal leaves anything above legacy."""
    journal = read(config.evidence)
    said = [journal.said(name) for name in (*config.units, *config.groups)]
    return journal.broken is None and any(mode not in (MODES[0], "retired") for mode in said)


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
