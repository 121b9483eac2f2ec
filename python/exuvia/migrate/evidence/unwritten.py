"""A mark beside the disk of the evidence: which processes could not write there, and could not even mark their file.

A full disk still takes the mode of a file, one that is read-only or gone takes nothing. Then a line goes to files of
this user's in memory and in the folder of temporary files, where the next process that reads the evidence finds it. It
lasts until the machine starts anew; on another machine only the missing heartbeat tells. Others may make files there
too: so the names cannot be guessed, and what does not belong to this user, the folder's owner or root says nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.migrate.evidence import members
from exuvia.migrate.own import json, os

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["mark", "marked", "real", "told"]

_OTHERS = stat.S_IWGRP | stat.S_IWOTH
MOST = 1024 * 1024
"""Bytes of such a file beyond which nothing is added."""
PLACE = "EXUVIA_MARKS"
"""Names a folder that takes the marks instead of the usual ones."""
SUFFIX = ".unwritten"


def real(evidence: Path) -> Path:
    """Return where a folder is, links followed; to be asked while its disk can be read.

    Args:
        evidence: The evidence folder, which need not be there.
    """
    try:
        return Path(os.path.realpath(evidence))
    except OSError:
        return Path(os.path.abspath(evidence))


def mark(evidence: Path, process: str, since_ns: int, why: str) -> bool:
    """Note that a process could not write its evidence; it never raises.

    Args:
        evidence: The evidence folder, as `real` gave it.
        process: The process, as its files are named.
        since_ns: From when on, UTC nanoseconds.
        why: What the system said.

    Returns:
        Whether it was noted.
    """
    if os.name != "posix":
        return False
    line = {"process": process, "since": since_ns, "why": why, "folder": next(iter(members.names(evidence)), None)}
    # In every place: one may be cleared when the user logs out, another may be on the very disk.
    noted = [_note(place, evidence, line) for place in _places([os.geteuid()])]
    return any(noted)


def told(evidence: Path, process: str) -> None:
    """Take a process's marks back: its evidence says what was lost.

    Args:
        evidence: The evidence folder, as `real` gave it.
        process: The process.
    """
    if os.name != "posix":
        return
    for path in _files(evidence, [os.geteuid()]):
        lines = [line for line in _lines(path, {os.geteuid()}) if line.get("process") == process]
        known = [line["told"] for line in lines if "told" in line]
        for line in lines:
            if "since" in line and line["since"] not in known:
                _append(path, {"process": process, "told": line["since"]})


def marked(evidence: Path) -> dict[str, tuple[int, str]]:
    """Return the processes whose evidence is not all there: since when, in UTC nanoseconds, why, and where that stands.

    Marks of an evidence folder that stood under the same name before say nothing of this one.

    Args:
        evidence: The evidence folder.
    """
    if os.name != "posix":
        return {}
    uids = list(dict.fromkeys([os.geteuid(), _owner(evidence)]))
    lines = [(path, line) for path in _files(evidence, [*uids, 0]) for line in _lines(path, {*uids, 0})]
    taken_back = {(str(line.get("process")), line["told"]) for _, line in lines if isinstance(line.get("told"), int)}
    listed = members.names(evidence)
    found: dict[str, tuple[int, str]] = {}
    for path, line in lines:
        process, since = str(line.get("process", "")), line.get("since")
        if process.count("-") < 2 or "/" in process or not isinstance(since, int) or (process, since) in taken_back:
            continue
        if _is_of(listed, line.get("folder"), since):
            found.setdefault(process, (since, f"{line.get('why', '')}, as {path} has it"))
    return found


def _is_of(listed: list[str], first: object, since_ns: int) -> bool:
    """Whether a mark is of the folder whose list this is, and not of one that was deleted.

    A folder is known by the first segment that was begun in it. A mark that could not read it counts if it is younger.
    """
    if not listed:
        return True
    if isinstance(first, str):
        return first in listed
    began = listed[0].partition("-")[0]
    return not began.isdigit() or since_ns >= int(began)


def _owner(evidence: Path) -> int:
    """Whose folder it is; of one that is not there the one above it."""
    for folder in (evidence, *real(evidence).parents):
        with contextlib.suppress(OSError):
            return os.stat(folder).st_uid
    return os.geteuid()


def _places(uids: Iterable[int]) -> list[Path]:
    """The folders that may have marks of these users, the best first."""
    if led := os.environ.get(PLACE):
        return [Path(led)]
    memory = ["/dev/shm"] if sys.platform == "linux" else []  # noqa: S108 - files of this user's alone
    usual = [os.environ.get("XDG_RUNTIME_DIR"), *(f"/run/user/{uid}" for uid in uids)]
    usual += [*memory, os.environ.get("TMPDIR"), "/tmp"]  # noqa: S108 - as above
    return [Path(place) for place in dict.fromkeys(usual) if place and os.path.isabs(place)]


def _begin(evidence: Path, uid: int) -> tuple[str, ...]:
    """How the names of a user's files of a folder begin, by where it is and by the name that it is given."""
    names = dict.fromkeys([real(evidence), Path(os.path.abspath(evidence))])
    return tuple(f"exuvia-{uid}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:24]}-" for name in names)


def _files(evidence: Path, uids: Collection[int], places: Iterable[Path] | None = None) -> list[Path]:
    """Their files of a folder; those that others gave such a name are not even opened."""
    begin = tuple(each for uid in uids for each in _begin(evidence, uid))
    found: list[Path] = []
    for place in places or _places(uids):
        with contextlib.suppress(OSError), os.scandir(place) as entries:
            for each in entries:
                if each.name.startswith(begin) and each.name.endswith(SUFFIX):
                    with contextlib.suppress(OSError):
                        found += [Path(each)] if each.stat(follow_symlinks=False).st_uid in uids else []
    return sorted(found)


def _note(place: Path, evidence: Path, line: dict[str, Any]) -> bool:
    """Put a line into this user's file there, or into a new one, which nobody can have made first."""
    for path in _files(evidence, [os.geteuid()], [place]):
        noted = _append(path, line)
        if noted is not None:
            return noted
    path = place / f"{_begin(evidence, os.geteuid())[0]}{os.urandom(8).hex()}{SUFFIX}"
    return bool(_append(path, line, os.O_CREAT | os.O_EXCL))


def _append(path: Path, line: dict[str, Any], more: int = 0) -> bool | None:
    """Append; `False` says that the file is full, `None` that it is none of ours or cannot be written."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | more
    with contextlib.suppress(OSError), os.fdopen(os.open(path, flags, 0o600), "ab") as file:
        held = os.fstat(file.fileno())
        if not _is_trusted(held, {os.geteuid()}):
            return None
        if held.st_size >= MOST:
            return False
        file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        file.flush()
        return True
    return None


def _lines(path: Path, uids: set[int]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    with contextlib.suppress(OSError):
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not _is_trusted(os.fstat(file.fileno()), uids):
                return []
            for text in file.read(2 * MOST).split(b"\n")[:-1]:
                with contextlib.suppress(ValueError):
                    line = json.loads(text)
                    found += [line] if isinstance(line, dict) else []
    return found


def _is_trusted(held: Any, uids: set[int]) -> bool:
    return stat.S_ISREG(held.st_mode) and held.st_uid in uids and not held.st_mode & _OTHERS
