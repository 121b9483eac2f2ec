"""Which extension runs: its build id is known at once, its file's SHA-256 is claimed first and verified soon after.

To hash the file takes longer than all else that install does. The build id, which the linker wrote over all that it
linked, is read out of the image as it was loaded: a stale binary, or one that pip has exchanged since, is seen by it at
once. The SHA-256 that F has in it as well is taken from the wheel's RECORD, where the file on the disk bears the same
build id and has the size that RECORD names; `verify` then hashes that very file.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from exuvia import _exuvia
from exuvia.build import build_info
from exuvia.migrate.descriptor import Held
from exuvia.migrate.own import os, threading

__all__ = ["after_fork", "claim", "exchanged", "loaded", "sha256", "verify"]

HEAD = 4096
CHUNK = 1 << 18
INFO = ".dist-info"


def loaded() -> str:
    """Return the build id of the extension as it was loaded, whatever lies on the disk by now; empty without one."""
    return _exuvia.build_id() or ""


class Claim:
    """What RECORD says of the file that was loaded, and that file, held open: another may come to its name.

    Args:
        path: The file.
        descriptor: It, open; owned from here on.
        digest: What RECORD says.
    """

    def __init__(self, path: Path, descriptor: int, digest: str) -> None:
        self.path, self.digest = path, digest
        self._held = Held(descriptor)
        self._identity = _identity(self._held.number())

    def hashed(self) -> str:
        """Return the SHA-256 that the file really has, and let go of it.

        Raises:
            OSError: If it cannot be read, or is gone: a program may close what it did not open, as daemons do.
        """
        held = self._held
        try:
            if not held.here:
                held = Held(_opened(self.path))
            try:
                return self._hash(held)
            except OSError:
                if held.here:
                    raise
                # The program closed it while it was read: once more, and from the beginning.
                held = Held(_opened(self.path))
                return self._hash(held)
        finally:
            held.close()

    def _hash(self, held: Held) -> str:
        if _identity(held.number()) != self._identity:
            raise OSError("it was exchanged before it could be hashed")
        found, at = hashlib.sha256(), 0
        # By place: a forked process shares where this one has read to.
        while part := os.pread(held.number(), CHUNK, at):
            found.update(part)
            at += len(part)
        held.number()
        return found.hexdigest()


_lock = threading.RLock()
_claim: Claim | None = None
_verified: str | None = None
_seen: tuple[tuple[int, ...], str] = ((), "")


def claim() -> None:
    """Take the SHA-256 from RECORD for now; where that cannot be had for certain, the file is hashed as ever."""
    global _claim  # noqa: PLW0603 - one extension a process
    with _lock:
        if _verified is None and _claim is None:
            _claim = _claimed(Path(str(_exuvia.__file__)).absolute(), loaded())


def sha256() -> str:
    """Return the SHA-256 of the extension's file: verified, else claimed, else hashed now."""
    global _verified  # noqa: PLW0603 - what is loaded stays loaded
    with _lock:
        if _verified is None:
            if _claim is not None:
                return _claim.digest
            _verified = build_info()["sha256"]
        return _verified


def verify() -> str | None:
    """Hash the file whose SHA-256 was claimed, once.

    Returns:
        What is wrong with it, or `None`; from then on `sha256` tells what was found.
    """
    global _claim, _verified
    with _lock:
        held = _claim
        if held is None:
            return None
        try:
            found = held.hashed()
        except OSError as error:
            found = f"unreadable: {error}"
        _claim, _verified = None, found
    if found == held.digest:
        return None
    return (
        f"{held.path} is not the file that the wheel brought: RECORD says SHA-256 {held.digest[:12]}…, it has "
        f"{found[:12]}…: F is another, what was approved for it holds no longer; reinstall exuvia and restart"
    )


def exchanged() -> str | None:
    """Say that another build lies on the disk than the one that is loaded, as after an upgrade below the program."""
    global _seen  # noqa: PLW0603 - looked at again only when the file is another
    path, build = Path(str(_exuvia.__file__)).absolute(), loaded()
    if not build:
        return None
    try:
        descriptor = _opened(path)
    except OSError as error:
        return f"{path} cannot be read any more ({error}): restart"
    try:
        identity = _identity(descriptor)
        if identity != _seen[0]:
            _seen = identity, _exuvia.build_id_of(os.pread(descriptor, HEAD, 0)) or ""
    except OSError as error:
        return f"{path} cannot be read any more ({error}): restart"
    finally:
        os.close(descriptor)
    if _seen[1] == build:
        return None
    return f"{path} was exchanged: build {_seen[1][:12] or 'without an id'}… lies there and {build[:12]}… runs: restart"


def after_fork() -> None:
    """In a forked child: whoever held the lock is not here."""
    global _lock  # noqa: PLW0603 - that of the parent may never be released
    _lock = threading.RLock()


def _identity(descriptor: int) -> tuple[int, ...]:
    try:
        held = os.fstat(descriptor)
    except OSError:
        return ()
    return held.st_dev, held.st_ino, held.st_size, held.st_mtime_ns


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))


def _claimed(path: Path, build: str) -> Claim | None:
    """What RECORD says, if the file on the disk is the one that was loaded and is as long as RECORD says."""
    if not build:
        return None
    try:
        said = _recorded(path)
        if said is None:
            return None
        digest, size = said
        descriptor = _opened(path)
    except (OSError, ValueError):
        return None
    try:
        if os.fstat(descriptor).st_size == size and _exuvia.build_id_of(os.pread(descriptor, HEAD, 0)) == build:
            descriptor, kept = -1, descriptor
            return Claim(path, kept, digest)
    except OSError:
        pass
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return None


def _recorded(path: Path) -> tuple[str, int] | None:
    """SHA-256 and size in the RECORD of the one wheel beside the package; `importlib.metadata` is slow to load."""
    site = path.parent.parent
    with os.scandir(site) as entries:
        records = [entry.path for entry in entries if entry.name.startswith("exuvia-") and entry.name.endswith(INFO)]
    if len(records) != 1:
        return None
    start = f"\n{path.relative_to(site).as_posix()},sha256="
    text = Path(records[0], "RECORD").read_text(encoding="utf-8")
    found = f"\n{text}".split(start)
    if len(found) != 2:
        return None
    said = found[1].partition("\n")[0].split(",")
    if len(said) != 2:
        return None
    digest = base64.urlsafe_b64decode(said[0] + "==")
    return (digest.hex(), int(said[1])) if len(digest) == 32 else None
