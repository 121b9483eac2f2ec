"""The control page, `evidence/modes.page`: one mapped file in which each process sees a flip at its next call.

It is a cache of the mode journal, rebuilt by whoever writes the journal or starts. Standard library only, so
that a rollback reaches it when the extension does not load; the extension reads it at every call. The file is
never renamed or truncated, its slots are fixed. Layout: see `rust/migrate/src/page.rs`, which a test compares.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import stat
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from exuvia.errors import ConfigError, MigrateError
from exuvia.migrate.descriptor import Held
from exuvia.migrate.dispatch import mapping
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.own import os, time

try:
    import fcntl
except ImportError:  # Windows has no such lock; there one writer at a time is the operator's to see to.
    fcntl = None  # type: ignore[assignment]  # asked for by name before it is used

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from exuvia.migrate.config import Config

__all__ = ["PAGE", "SIZE", "Page", "demote", "publish", "standing", "unmappable"]

PAGE = "modes.page"
MAGIC = int.from_bytes(b"EXUVPAGE", "little")
VERSION, SLOTS, PROCESSES, KEYS = 1, 512, 256, 4096
SLOTS_AT, SLOT_WORDS = 64, 8
PROCESSES_AT, PROCESS_WORDS = SLOTS_AT + SLOTS * SLOT_WORDS, 8
KEYS_AT = PROCESSES_AT + PROCESSES * PROCESS_WORDS
SIZE = 8 * (KEYS_AT + KEYS * 4)
CHECKED, EPOCH = 7, 8
WORD, MARK, HELD = 2, 5, 6
MASK = 0xFFFF_FFFF_FFFF_FFFF

REMOTE = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs", "davfs")
)
"""File systems on which a mapping is not shared between hosts, or not at once."""


_HALVES = struct.Struct("<QQ")


class NotOursError(MigrateError):
    """A file that stands where the page should be and is none of ours."""


class Standing(NamedTuple):
    """What a slot says: a mode and the epoch in which it was written."""

    mode: str
    epoch: int


def fnv(data: bytes) -> int:
    """Return the FNV-1a hash of 64 bits: against tearing, not against intent."""
    value = 0xCBF2_9CE4_8422_2325
    for byte in data:
        value = (value ^ byte) * 0x0100_0000_01B3 & MASK
    return value


def digest(unit: str) -> bytes:
    """Return what a slot holds of a unit's name: 16 bytes of its SHA-256."""
    return hashlib.sha256(unit.encode()).digest()[:16]


def seal(mode: str, epoch: int, name: bytes) -> int:
    """Return the mode word: mode, epoch, and a checksum over both and the unit."""
    code = modes.MODES.index(mode)
    value = fnv(bytes([code]) + epoch.to_bytes(4, "little") + name)
    return code | epoch << 8 | ((value ^ value >> 24 ^ value >> 48) & 0xFF_FFFF) << 40


def unmappable(folder: Path) -> str | None:
    """Say why memory cannot be shared in a folder: the file system is a remote one.

    Args:
        folder: The evidence folder.
    """
    try:
        device = folder.stat().st_dev
        wanted = f"{os.major(device)}:{os.minor(device)}"
        with Path("/proc/self/mountinfo").open(encoding="utf-8", errors="replace") as mounts:
            own = [line for line in mounts if wanted in line and line.split(" ")[2] == wanted]
        kinds = [line.partition(" - ")[2].split(" ")[0] for line in own]
    except (OSError, IndexError, AttributeError):
        return None
    for kind in kinds:
        if kind in REMOTE or (kind.startswith("fuse") and kind != "fuseblk"):
            return f"{folder} is on {kind}, which does not share memory between processes"
    return None


class Page:
    """The mapped page of an evidence folder.

    Args:
        folder: The folder, which exists.
        create: Whether a missing page is made.
        lasting: Whether it stays mapped for as long as the process lives; one that is made then is not forced to the
            disk before this returns, which is for `last` to do.

    Raises:
        FileNotFoundError: If there is none and none is made.
        MigrateError: If it is not ours, or its memory cannot be shared.
        ConfigError: If others may write it.
        OSError: If it cannot be opened or mapped.
    """

    def __init__(self, folder: Path, *, create: bool = True, lasting: bool = False) -> None:
        self.path = folder / PAGE
        self._fresh = False
        reason = unmappable(folder)
        if reason is not None:
            raise MigrateError(reason)
        flags = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        self._descriptor = Held(os.open(self.path, flags | (os.O_CREAT if create else 0), 0o600))
        try:
            modes.refuse_writable_by_others(self.path)
            held = os.fstat(self._descriptor.number())
            if not stat.S_ISREG(held.st_mode):
                raise MigrateError(f"{self.path} is no file, so it cannot be mapped")
            self.identity = held.st_dev, held.st_ino
            with self.locked():
                if self._blank():
                    self._fill()
                    self._fresh = True
            if os.fstat(self._descriptor.number()).st_size != SIZE:
                raise NotOursError(
                    f"{self.path} has not the size of a control page, {SIZE}: it is not ours; remove it: "
                    "the next start makes it again, from the journal"
                )
            self.mapped = (mapping.lasting if lasting else mmap.mmap)(self._descriptor.number(), SIZE)
            # Where the extension is loaded, a file that others truncate ends no process that has it mapped.
            extension: Any = sys.modules.get("exuvia._exuvia")
            self._guard = None if extension is None else extension.ControlPage(self.mapped)
            self.words = memoryview(self.mapped).cast("Q")
            if self.words[0] != MAGIC or self.words[1] != VERSION:
                self.close()
                raise NotOursError(f"{self.path} is not a control page of this version: it is not ours")
            with self.locked():
                if not self.whole:
                    self._head()
            if not lasting:
                self.last()
        except BaseException:
            self._descriptor.close()
            raise

    def _fill(self) -> None:
        """Write every byte: a hole in a mapped file is a fault when the disk is full."""
        data, number = bytearray(SIZE), self._descriptor.number()
        data[:16] = MAGIC.to_bytes(8, "little") + VERSION.to_bytes(8, "little")
        written = os.pwrite(number, data, 0) if hasattr(os, "pwrite") else os.write(number, data)
        if written != SIZE:
            raise OSError(f"{self.path}: only {written} of {SIZE} bytes could be written: is the disk full?")

    def _blank(self) -> bool:
        """Whether nothing is in it: it is new, or the power went before what was written came to the disk."""
        number = self._descriptor.number()
        size = os.fstat(number).st_size
        if size == 0 or size > SIZE or not hasattr(os, "pread"):
            return size == 0
        return not any(os.pread(number, 8, 0)) and not any(os.pread(number, size, 0))

    def last(self) -> None:
        """Force it to the disk, once, if it was made here.

        Raises:
            OSError: If the disk refuses, or the program closed the page's descriptor.
        """
        if self._fresh:
            os.fsync(self._descriptor.number())
            self._fresh = False

    def _head(self) -> None:
        self.words[1], self.words[2], self.words[3], self.words[4] = VERSION, SLOTS, PROCESSES, KEYS
        self.words[5] = time.time_ns()
        self.words[6] = int.from_bytes(os.urandom(8), "little")
        self.words[CHECKED] = fnv(bytes(self.words[:CHECKED].cast("B")))

    @property
    def whole(self) -> bool:
        """Whether the header is ours and not torn."""
        return self.words[0] == MAGIC and self.words[CHECKED] == fnv(bytes(self.words[:CHECKED].cast("B")))

    @property
    def stands(self) -> bool:
        """Whether the file that is mapped is still the one in the folder."""
        try:
            held = self.path.lstat()
        except OSError:
            return False
        return (held.st_dev, held.st_ino) == self.identity and held.st_size == SIZE

    @property
    def epoch(self) -> int:
        """The last epoch that was published."""
        return int(self.words[EPOCH])

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only writer. A lock dies with its process."""
        if self._descriptor.lost:
            self._open_again()
        held = self._descriptor
        if fcntl is not None:
            fcntl.flock(held.number(), fcntl.LOCK_EX)
        try:
            yield
        finally:
            if fcntl is not None and held.here:
                fcntl.flock(held.number(), fcntl.LOCK_UN)

    def _open_again(self) -> None:
        """Open the page by its name, after the program closed it; the mapping is as it was."""
        # First, or it would take the new file under the old number for its own.
        self._descriptor.close()
        number = os.open(self.path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0))
        self._descriptor = Held(number)
        held = os.fstat(self._descriptor.number())
        if (held.st_dev, held.st_ino) != self.identity:
            raise OSError(f"{self.path} was replaced, and the program closed the one that was mapped")

    def scan(self) -> dict[bytes, int]:
        """Return where each unit's slot begins, in words, by the digest of its name."""
        halves = (self.words[SLOTS_AT + half : PROCESSES_AT : SLOT_WORDS].tolist() for half in (0, 1))
        taken = (SLOTS_AT + number * SLOT_WORDS for number, name in enumerate(zip(*halves, strict=True)) if any(name))
        return {self.name(at): at for at in taken}

    def take(self, names: Sequence[bytes]) -> dict[bytes, int]:
        """Return the slots of units, with new ones for those that have none; under the lock only.

        Args:
            names: Digests of their names.

        Raises:
            MigrateError: If the page is full.
        """
        found = self.scan()
        used = set(found.values())
        free = [at for at in range(PROCESSES_AT - SLOT_WORDS, SLOTS_AT - 1, -SLOT_WORDS) if at not in used]
        for name in names:
            if name not in found:
                if not free:
                    raise MigrateError(f"{self.path} has no room for more than {SLOTS} units")
                at = found[name] = free.pop()
                self.words[at], self.words[at + 1] = _HALVES.unpack(name)
        return found

    def read(self, at: int) -> Standing | None:
        """Return what a slot says, or `None` if its word is torn or was never written.

        Args:
            at: Where it begins.
        """
        word = self.words[at + WORD]
        if not word:
            return None
        code, epoch = word & 0xFF, word >> 8 & 0xFFFF_FFFF
        if code >= len(modes.MODES) or seal(modes.MODES[code], epoch, self.name(at)) != word:
            return None
        return Standing(modes.MODES[code], epoch)

    @property
    def unrecorded(self) -> int:
        """How many units a rollback holds that could not be put on record."""
        if not any(self.words[SLOTS_AT + HELD : PROCESSES_AT : SLOT_WORDS].tolist()):
            return 0
        return sum(self.words[at + HELD] != 0 for at in self.scan().values())

    def name(self, at: int) -> bytes:
        """Return the digest of the unit that a slot belongs to."""
        return bytes(self.words[at : at + 2].cast("B"))

    def write(self, wanted: Mapping[int, tuple[str, int]]) -> int:
        """Write slots in one epoch: those whose mode, or whose mark, is another.

        Args:
            wanted: Mode and mark by slot; the mark changes with each entry of the journal for the unit.

        Returns:
            The epoch that stands now.
        """
        changed = {
            at: (mode, mark)
            for at, (mode, mark) in wanted.items()
            if (now := self.read(at)) is None or now.mode != mode or self.words[at + MARK] != mark
        }
        if changed:
            epoch = (self.epoch + 1) & 0xFFFF_FFFF
            for at, (mode, mark) in changed.items():
                self.words[at + WORD] = seal(mode, epoch, self.name(at))
                self.words[at + MARK] = mark
            self.words[EPOCH] = epoch
        return self.epoch

    def close(self) -> None:
        """Let go of the mapping, unless it is a lasting one; whoever still reads it keeps it."""
        self._guard = None
        with contextlib.suppress(BufferError, ValueError):
            self.words.release()
            if isinstance(self.mapped, mmap.mmap):
                self.mapped.close()
        self._descriptor.close()

    @property
    def held_size(self) -> int:
        """Bytes of the file that is mapped, whatever its name stands for by now; all if its descriptor is lost."""
        return os.fstat(self._descriptor.number()).st_size if self._descriptor.here else SIZE


def publish(config: Config, *, only_lower: bool = False, held: Page | None = None) -> str | None:
    """Write into the page where configuration and journal put each unit; it never raises.

    Args:
        config: The configuration.
        only_lower: Whether modes above those of the page are left alone.
        held: The page, if it is open already; it stays open.

    Returns:
        Why it could not be done, or `None`: processes then follow the journal, within a second.
    """

    def write(page: Page) -> None:
        journal = modes.read(config.evidence)
        wanted = {}
        names = {name: digest(name) for name in config.units}
        slots = page.take(list(names.values()))
        for name, unit in config.units.items():
            at = slots[names[name]]
            mode = standing(config, journal, name, "rust" if config.rehearsal else unit.mode)
            entry = journal.entries.get(name) or journal.entries.get(modes.EVERY_UNIT)
            mark = 0 if entry is None else fnv(repr(sorted(entry.items())).encode()) or 1
            if page.words[at + HELD] == (mark or 1):
                # A rollback that could not be put on record: it holds until the journal says something else.
                mode = modes.MODES[0]
            elif page.words[at + HELD]:
                page.words[at + HELD] = 0
            now = page.read(at) if only_lower else None
            if now is not None and modes.lower(now.mode, mode) == now.mode:
                continue
            wanted[at] = mode, mark
        page.write(wanted)

    return _with_page(config.evidence, write, create=True, held=held)


def standing(config: Config, journal: modes.Journal, unit: str, ceiling: str) -> str:
    """Return where the journal puts a unit, with all that a configuration may hold against it.

    Args:
        config: The configuration.
        journal: The mode journal.
        unit: The unit's name.
        ceiling: Its mode in the configuration.
    """
    return journal.effective(unit, ceiling, config)


def demote(folder: Path, units: Sequence[str] | None = None, *, unrecorded: bool = False) -> str | None:
    """Write legacy into the page, so that each process serves it at its next call; it never raises.

    The journal is written first, by the caller: the page is only its cache. Where the journal cannot be written
    the page alone says it, and keeps saying it until the journal has another entry for the unit.

    Args:
        folder: The evidence folder.
        units: Units, or `None` for all that have a slot.
        unrecorded: Whether the journal does not say it.

    Returns:
        Why it could not be done, or `None`.
    """

    def write(page: Page) -> None:
        found = page.scan()
        slots = list(found.values()) if units is None else [found[n] for n in map(digest, units) if n in found]
        mark = time.time_ns()
        for at in slots if unrecorded else ():
            page.words[at + HELD] = page.words[at + HELD] or page.words[at + MARK] or 1
        page.write(dict.fromkeys(slots, (modes.MODES[0], mark)))

    if unrecorded and not (folder / PAGE).exists():
        return f"there is no {folder / PAGE}"
    return _with_page(folder, write, create=False)


def _with_page(folder: Path, write: Callable[[Page], None], *, create: bool, held: Page | None = None) -> str | None:
    try:
        page = held or Page(folder, create=create)
    except FileNotFoundError:
        return None if not create else f"{folder} is missing"
    except (OSError, ValueError, ConfigError, MigrateError) as error:
        return str(error)
    try:
        with page.locked():
            write(page)
    except (OSError, ValueError, MigrateError) as error:
        return str(error)
    finally:
        if held is None:
            page.close()
    return None
