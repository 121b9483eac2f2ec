"""One timed run of one arm of a comparison: a command in a process of its own, or a function in one.

The process is started, timed and waited for by a small interpreter of its own, so that neither the memory nor
the work of the caller is counted.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exuvia.errors import MigrateError
from exuvia.migrate.evidence import aside

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Arm", "ArmRun", "run"]

END_S = 5.0

_LAUNCH = """
import json, os, sys, time
began = time.perf_counter()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
wall = time.perf_counter() - began
with open(sys.argv[1], "w") as file:
    json.dump([wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status)], file)
"""
_CALL = """
import importlib, sys
module, _, name = sys.argv[1].partition(":")
sys.path.insert(0, "")
found = importlib.import_module(module)
for part in name.split("."):
    found = getattr(found, part)
result = found()
if hasattr(type(result), "__await__"):
    import asyncio
    async def awaited():
        return await result
    result = asyncio.run(awaited())
elif hasattr(type(result), "__anext__"):
    import asyncio
    async def drawn():
        return [item async for item in result]
    result = asyncio.run(drawn())
elif hasattr(type(result), "__next__"):
    result = list(result)
if result is None:
    sys.exit("returned None")
if isinstance(result, BaseException):
    sys.exit(f"returned an exception instead of raising it: {result!r}")
if hasattr(type(result), "__await__") or hasattr(type(result), "__next__") or hasattr(type(result), "__anext__"):
    getattr(result, "close", int)()
    sys.exit(f"returned {type(result).__name__}, which is still to be run: run it to its end in the arm")
sys.stdout.write(repr(result))
"""
_KIB = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Arm:
    """One side of the comparison.

    Attributes:
        name: `before` or `after`.
        command: The words of a command; `py:module:function` stands for a function without arguments;
            an async one is run to its end, and what yields is drawn to its.
        artefacts: Patterns of files that it must write in every run, relative to its folder.
    """

    name: str
    command: tuple[str, ...]
    artefacts: tuple[str, ...] = ()

    @classmethod
    def read(cls, name: str, text: str, artefacts: tuple[str, ...] = ()) -> Arm:
        """Read an arm as it is written on the command line.

        >>> Arm.read("before", "python -m bot --days 1").command
        ('python', '-m', 'bot', '--days', '1')

        Args:
            name: `before` or `after`.
            text: A command, or `py:module:function`.
            artefacts: Patterns of files.

        Raises:
            MigrateError: For an empty command, an open quote, or a program that is not there.
        """
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise MigrateError(f"--{name} {text!r}: {error}") from None
        if not words:
            raise MigrateError(f'--{name} is empty: give a command, as --{name} "python -m bot"')
        if not words[0].startswith("py:") and shutil.which(words[0]) is None:
            raise MigrateError(f"--{name} {text!r}: there is no program {words[0]!r} on the path")
        return cls(name, tuple(words), artefacts)

    def words(self) -> list[str]:
        """Return what is executed."""
        first = self.command[0]
        if first.startswith("py:"):
            return [sys.executable, "-c", _CALL, first[3:]]
        # The interpreter that asks is the one that is meant.
        return [sys.executable if first in ("python", "python3") else first, *self.command[1:]]


@dataclass(slots=True)
class ArmRun:
    """One run.

    Attributes:
        wall_s: Seconds from start to end.
        cpu_s: CPU seconds, children included.
        peak_bytes: The most memory that it held (resident).
        failure: Why it counts for nothing, if it does.
        digest: SHA-256 of what it printed and wrote.
        artefacts: Files that it wrote.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int
    failure: str | None = None
    digest: str = ""
    artefacts: list[str] = field(default_factory=list)


def run(arm: Arm, folder: Path, timeout_s: float) -> ArmRun:
    """Run an arm once.

    Args:
        arm: The arm.
        folder: The folder in which it runs.
        timeout_s: Seconds after which it is ended and has failed.

    Returns:
        Its times; `failure` is set if it raised, ended with another code than 0, or returned nothing.
    """
    # What the arm sees under exuvia goes with the run: timing a program must not change what its gates stand on.
    with tempfile.TemporaryDirectory(prefix="exuvia-bench-", ignore_cleanup_errors=True) as evidence:
        return _run(arm, folder, timeout_s, {**os.environ, aside.VARIABLE: evidence})


def _run(arm: Arm, folder: Path, timeout_s: float, environment: dict[str, str]) -> ArmRun:
    report = folder / f".exuvia-bench-{os.getpid()}.json"
    before = {path: path.stat().st_mtime_ns for path in _artefacts(arm, folder)}
    process = subprocess.Popen(  # noqa: S603 - the user's own command
        [sys.executable, "-I", "-S", "-c", _LAUNCH, str(report), *arm.words()],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        printed, errors = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        _end(process)
        return ArmRun(timeout_s, 0.0, 0, f"did not end within {timeout_s:g} s")
    except BaseException:
        _end(process)
        raise
    try:
        wall, cpu, peak, code = json.loads(report.read_text())
    except (OSError, ValueError):
        return ArmRun(0.0, 0.0, 0, f"could not be started: {_last(errors)}")
    finally:
        report.unlink(missing_ok=True)
    done = ArmRun(wall, cpu, int(peak) * _KIB)
    written = [path for path in _artefacts(arm, folder) if before.get(path) != path.stat().st_mtime_ns]
    done.artefacts = [path.relative_to(folder).as_posix() for path in written]
    done.digest = _digest(printed, written)
    done.failure = _failure(arm, code, printed, errors, written, folder)
    return done


def _failure(arm: Arm, code: int, printed: bytes, errors: bytes, written: list[Path], folder: Path) -> str | None:  # noqa: PLR0917 - one question of each
    if code:
        how = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
        return f"{how}: {_last(errors)}"
    for pattern in arm.artefacts:
        fitting = [path for path in written if path in set(folder.glob(pattern))]
        if not fitting:
            return f"wrote no {pattern} in this run"
        if not any(path.stat().st_size for path in fitting):
            return f"wrote {pattern} without anything in it"
    if not arm.artefacts and not printed.strip():
        return "returned nothing: it printed nothing and no artefact is declared"
    return None


def _artefacts(arm: Arm, folder: Path) -> list[Path]:
    return sorted({path for pattern in arm.artefacts for path in folder.glob(pattern) if path.is_file()})


def _digest(printed: bytes, written: list[Path]) -> str:
    digest = hashlib.sha256(printed)
    for path in written:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _last(errors: bytes) -> str:
    lines = [line for line in errors.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing on standard error"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End an arm with all that it started: it has a session of its own."""
    import signal  # noqa: PLC0415 - only for an end

    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    try:
        process.communicate(timeout=END_S)
    except subprocess.TimeoutExpired:
        # What went to a session of its own, as daemons do, still holds the other ends.
        for end in (process.stdout, process.stderr):
            if end is not None:
                end.close()
        process.wait(END_S)
