"""`exuvia doctor`: what would go wrong later, looked at now; each line says what to do."""

from __future__ import annotations

import json
import mmap
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.errors import ConfigError, ExuviaError
from exuvia.migrate import config as configuration
from exuvia.migrate import extension
from exuvia.migrate.dispatch import whereabouts
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.modes import standing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exuvia.migrate.config import Config

__all__ = ["Check", "examine"]

LEAST_FREE = 1_000_000_000
BACKUP_AGE_S = 36 * 3600.0
_SHARED = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "afs", "glusterfs", "ceph"})


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor.

    Attributes:
        name: What was looked at.
        state: `ok`, `warn` or `fail`.
        found: What was found.
        do: What to do about it; empty if it is ok.
    """

    name: str
    state: str
    found: str
    do: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for `--json`."""
        return asdict(self)


def examine(
    given: str | None,
    evidence: str | None = None,
    *,
    preflight: bool = False,
    backups: str | None = None,
    now: Callable[[], float] = time.time,
) -> list[Check]:
    """Look at everything; nothing is changed, and no check stops another.

    Args:
        given: The configuration, else it is found.
        evidence: The evidence folder, instead of the configuration's.
        preflight: Whether to look at what matters before a session, too: back-ups, clock, other writers.
        backups: The folder with the back-ups, for the preflight.
        now: The clock, in seconds of the epoch.
    """
    config: Config | None = None
    checks: list[Check] = []
    try:
        config = configuration.load(given, rules=False)
        checks.append(Check("config", "ok", f"{config.path}: {len(config.units)} units"))
    except (ConfigError, OSError) as error:
        checks.append(Check("config", "fail", str(error), "mend that line, or write a first one: exuvia init"))
    folder = Path(evidence).absolute() if evidence else config.evidence if config else Path.cwd() / "evidence"
    looks: list[tuple[str, Callable[[], Iterator[Check]]]] = [
        ("extension", _extension), ("second extension", _path), ("python", _python),
    ]  # fmt: skip
    if config is not None:
        looks += [("units", lambda: _units(config)), ("permissions", lambda: _permissions(config))]
    looks += [
        ("disk", lambda: _folder(folder)),
        ("page", lambda: _mapping(folder)),
        ("journal", lambda: _journal(folder, config)),
        ("evidence files", lambda: _formats(folder)),
    ]
    if preflight:
        looks += [
            ("writers", lambda: _writers(folder, config)),
            ("clock", lambda: _clock(folder, now)),
            ("back-ups", lambda: _backups(backups, now)),
        ]
    for name, look in looks:
        try:
            checks += look()
        except ImportError:
            # Why it does not load is said by its own line.
            checks.append(Check(name, "warn", "this cannot be looked at without the extension", extension.REPAIR))
        except (ExuviaError, OSError, ValueError, KeyError) as error:
            checks.append(Check("doctor", "warn", f"a check could not be made: {type(error).__name__}: {error}"))
    return checks


def _extension() -> Iterator[Check]:
    cause = extension.trouble()
    if cause is not None:
        yield Check("extension", "fail", cause, extension.REPAIR)
        return
    try:
        from exuvia.build import build_info  # noqa: PLC0415 - it may be what is broken

        info = build_info()
    except (ImportError, ExuviaError, OSError) as error:
        yield Check("extension", "fail", f"it does not load: {error}", extension.REPAIR)
        return
    yield Check("extension", "ok", f"{info['version']}, {info['abi']}, sha256 {info['sha256'][:16]}")
    profile = str(info["profile"])
    if profile in ("debug", "dev"):
        yield Check("build", "warn", f"built by the profile {profile}", "its times mean nothing: build a release wheel")
    # A source that is newer than the binary beside it was not compiled into it.
    root = Path(__file__).resolve().parents[4]
    binary = max((path.stat().st_mtime for path in _binaries(root / "python")), default=None)
    if (root / "Cargo.toml").is_file() and binary is not None:
        newest = max((path.stat().st_mtime for path in (root / "rust").rglob("*.rs")), default=0.0)
        if newest > binary:
            yield Check(
                "stale binary", "fail", "Rust sources are newer than the extension", "build and install the wheel anew"
            )


def _binaries(folder: Path) -> list[Path]:
    return [path for ending in ("so", "pyd") for path in folder.glob(f"exuvia/_exuvia*.{ending}")]


def _path() -> Iterator[Check]:
    """A second copy on the path is loaded as soon as the order changes."""
    found = {path.resolve() for entry in dict.fromkeys(sys.path) for path in _binaries(Path(entry or "."))}
    if len(found) > 1:
        yield Check(
            "second extension",
            "fail",
            f"{len(found)} copies on sys.path: {', '.join(map(str, sorted(found)))}",
            "remove all but one: which of them runs depends on the working directory",
        )
    else:
        yield Check("second extension", "ok", "one copy on sys.path")


def _python() -> Iterator[Check]:
    from exuvia.migrate.dispatch import splice  # noqa: PLC0415 - it may be what is broken

    version = sys.version.split()[0]
    if splice.can_splice():
        yield Check("python", "ok", f"{version}: functions are spliced")
    else:
        tested = ", ".join(f"{major}.{minor}" for major, minor in splice.TESTED)
        yield Check(
            "python",
            "warn",
            f"{version}: the splice was tested on CPython {tested} only",
            "functions are replaced by attribute: names bound before install may stay on legacy",
        )


def _units(config: Config) -> Iterator[Check]:
    found = False
    for unit in config.units.values():
        for said in whereabouts.missing(config, unit):
            found = True
            yield Check("units", "fail", f"line {unit.line}: {unit.name}: {said}", "mend that line, or what it names")
    if config.units and not found:
        yield Check("units", "ok", f"both sides of {len(config.units)} units are found")


def _permissions(config: Config) -> Iterator[Check]:
    for path in (config.path, config.evidence, config.evidence / modes.JOURNAL, config.kill_file):
        if path is None or not path.exists():
            continue
        try:
            modes.refuse_writable_by_others(path)
        except ConfigError:
            yield Check("permissions", "fail", f"others may write {path}", f"chmod go-w {path}")
            return
    yield Check("permissions", "ok", "nobody else may write configuration or journal")


def _folder(folder: Path) -> Iterator[Check]:
    home = next((path for path in (folder, *folder.parents) if path.is_dir()), Path.cwd())
    if not os.access(home, os.W_OK | os.X_OK):
        yield Check("evidence", "fail", f"{home} cannot be written", f"chown {home}, or set evidence in exuvia.toml")
        return
    free = shutil.disk_usage(home).free
    if free < LEAST_FREE:
        yield Check(
            "disk", "fail", f"{free / 1e6:,.0f} MB free at {home}", "make room: with a full disk nothing is compared"
        )
    else:
        yield Check("disk", "ok", f"{free / 1e9:,.1f} GB free at {home}")


def _mapping(folder: Path) -> Iterator[Check]:
    """Whether the control page can be mapped: else a rollback takes a second, not a call."""
    home = next((path for path in (folder, *folder.parents) if path.is_dir()), Path.cwd())
    kind = _file_system(home)
    slow = Check(
        "page", "warn", f"{home} is on {kind}, where memory is not shared", "rollback is slow (1 s): use a local disk"
    )
    if kind in _SHARED:
        yield slow
        return
    try:
        with tempfile.TemporaryFile(dir=home) as file:
            file.truncate(mmap.PAGESIZE)
            with mmap.mmap(file.fileno(), mmap.PAGESIZE) as page:
                page[0] = 1
    except (OSError, ValueError) as error:
        yield Check("page", "warn", f"no page can be mapped at {home}: {error}", slow.do)
        return
    yield Check("page", "ok", f"a page can be mapped at {home}{f' ({kind})' if kind else ''}")


def _file_system(folder: Path) -> str:
    """The type of the file system of a folder, where the system says so."""
    try:
        rows = [line.split() for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return ""
    places = {row[1].replace("\\040", " "): row[2] for row in rows if len(row) > 2}
    for path in (folder.resolve(), *folder.resolve().parents):
        if str(path) in places:
            return places[str(path)]
    return ""


def _journal(folder: Path, config: Config | None) -> Iterator[Check]:
    """What the journal holds back, and what it lets run without a PASS."""
    said = modes.read(folder)
    if said.broken is not None:
        yield Check(
            "journal", "fail", said.broken, "every unit stands in legacy: put the file back from a back-up, or move it"
        )
        return
    entries = f"{len(said.lines)} {'entry' if len(said.lines) == 1 else 'entries'}" if said.lines else "empty"
    if config is None:
        yield Check("journal", "ok", entries)
        return
    stand = {unit.name: standing.of_unit(config, said, unit.name) for unit in config.units.values()}
    below = {name: one for name, one in stand.items() if one.mode != config.units[name].mode}
    never = [name for name, one in below.items() if one.unsaid]
    held = {name: one for name, one in below.items() if not one.unsaid}
    if never:
        one_of = never[0]
        several = f"{len(never)} of {len(stand)} units: " if len(never) > 1 else ""
        yield Check(
            "promotion",
            "warn",
            f"{several}{one_of} {below[one_of].why}",
            f"exuvia promote {config.group_of(one_of).name} --to shadow --check says what that still needs",
        )
    if held:
        name, first = min(held.items(), key=lambda item: modes.MODES.index(item[1].mode))
        up = modes.MODES[min(modes.MODES.index(first.mode) + 1, len(modes.MODES) - 1)]
        way = "--clear CAUSE" if name in said.quarantined else f"--to {up}"
        yield Check(
            "journal",
            "warn",
            f"{len(held)} of {len(stand)} units are held below the file: {name} in {first.mode} ({first.why})",
            f"exuvia promote {name} {way}; exuvia status says it of each unit",
        )
    else:
        rest = "no other unit is held" if never else "every unit stands where the file says"
        yield Check("journal", "ok", f"{entries}: {rest}")
    for name, one in stand.items():
        glass = said.glass_broken(name)
        if glass is not None and one.mode != modes.MODES[0]:
            yield Check(
                "broken glass",
                "warn",
                f"{name} runs in {one.mode} without a PASS: {glass}",
                f"it ends with its session; exuvia rollback {name} ends it now",
            )


def _formats(folder: Path) -> Iterator[Check]:
    from exuvia.migrate.evidence import reading  # noqa: PLC0415 - it loads the extension

    segments = reading.read_folder(folder)
    newer = [text.path.name for text in segments if "newer exuvia" in (text.trouble or "")]
    if newer:
        yield Check("format", "fail", f"{newer[0]} was written by a newer exuvia", "use that version to read it")
    hurt = [text for text in segments if text.trouble and text.path.name not in newer]
    if hurt:
        yield Check(
            "evidence files",
            "warn",
            f"{len(hurt)} of {len(segments)}: {hurt[0].trouble}",
            "its session is inconclusive",
        )
    if not newer and not hurt:
        yield Check("evidence files", "ok", f"{len(segments)} files, all of a format that is known")


def _writers(folder: Path, config: Config | None) -> Iterator[Check]:
    """Who else writes evidence here: another build or configuration in one fleet stops every promotion."""
    from exuvia.migrate.evidence import reading  # noqa: PLC0415 - it loads the extension

    alive = [text for text in reading.read_folder(folder) if not text.ended and text.header]
    remote = {str(text.header.get("host")) for text in alive} - {socket.gethostname()}
    builds = {json.dumps(text.header.get("build"), sort_keys=True, default=str) for text in alive}
    configs = {str(text.header.get("config")) for text in alive}
    older = [str(text.header.get("pid", "?")) for text in alive if _is_older(text.header.get("build"))]
    if len(builds) > 1:
        yield Check("other writers", "fail", f"{len(builds)} builds write here at once", "restart the older processes")
    elif older:
        found = f"process {', '.join(older)} runs another build than the one that is installed"
        yield Check("other writers", "fail", found, "restart it: what it compares is not what a new process would run")
    elif config is not None and configs - {str(config.path)}:
        other = ", ".join(sorted(configs - {str(config.path)}))
        yield Check("other writers", "fail", f"another configuration writes here: {other}", "give it its own folder")
    elif remote:
        yield Check("other writers", "warn", f"files of {', '.join(sorted(remote))} have no end", "are they alive?")
    else:
        yield Check("other writers", "ok", f"{len(alive)} processes write here, all of one build and configuration")


def _is_older(build: Any) -> bool:
    """Whether a process runs another extension than the one that is installed: pip exchanged it since."""
    from exuvia.build import build_info  # noqa: PLC0415 - it may be what is broken

    if not isinstance(build, dict) or not build.get("build_id"):
        return False
    own = build_info()
    return (build["build_id"], build.get("sha256")) != (own["build_id"], own["sha256"])


def _clock(folder: Path, now: Callable[[], float]) -> Iterator[Check]:
    """A clock that lies behind what is on the disk was set back; a system that does not keep time says so."""
    ahead = [path for path in folder.glob("*") if path.is_file() and path.stat().st_mtime > now() + 1.0]
    if ahead:
        yield Check(
            "clock", "fail", f"{ahead[0].name} is of the future: the clock was set back", "set it, then restart"
        )
        return
    program = shutil.which("timedatectl")
    if program is not None:
        asked = subprocess.run(  # noqa: S603 - found on the path
            [program, "show", "-p", "NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
        if asked.stdout.strip() == "no":
            yield Check(
                "clock", "warn", "the system clock is not synchronised", "switch on NTP: sessions are judged by it"
            )
            return
        if asked.stdout.strip() == "yes":
            yield Check("clock", "ok", "synchronised")
            return
    yield Check("clock", "warn", "nothing here says whether the clock is synchronised", "see that NTP or chrony runs")


def _backups(folder: str | None, now: Callable[[], float]) -> Iterator[Check]:
    if folder is None:
        yield Check("back-ups", "warn", "no folder was named", "exuvia doctor --preflight --backups DIR")
        return
    files = [path for path in Path(folder).rglob("*") if path.is_file()] if Path(folder).is_dir() else []
    whole = [path for path in files if path.stat().st_size]
    if not whole:
        yield Check("back-ups", "fail", f"{folder} holds none", "make one before the session")
        return
    newest = max(whole, key=lambda path: path.stat().st_mtime)
    age = now() - newest.stat().st_mtime
    if age > BACKUP_AGE_S:
        yield Check("back-ups", "fail", f"{newest.name} is {age / 3600:,.0f} h old", "make one before the session")
    else:
        yield Check("back-ups", "ok", f"{newest.name} is {age / 3600:,.1f} h old")
