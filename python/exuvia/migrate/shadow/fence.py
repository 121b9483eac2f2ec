"""The fence around a process that loads the program's modules a second time: it touches nothing of the program's.

Loading a module runs it: a log is opened anew, a state file is written at exit, somebody is told. So before anything
of the program is imported, what would write, start or reach something is refused, with a `PermissionError` that names
it; a file that is opened for writing becomes one in a private folder, so that a log does no harm, nor fails a module.
Reading goes through. On Linux the system refuses too (Landlock), and that holds compiled code. Only the standard
library is used here, and nothing is put in place before `put_up`.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import errno
import io
import os
import stat
import sys
from typing import TYPE_CHECKING, Any

from exuvia.migrate.shadow import landlock

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAY_WRITE", "Act", "Fence", "calling", "leave", "put_up"]

MAY_WRITE = "EXUVIA_WORKER_MAY_WRITE"
"""Folders in which such a process may write all the same, as the search path is written: for who measures it."""

Act = tuple[str, bool]
"""What was refused or led elsewhere, and whether a candidate did it while it was called."""

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
COPIED = 16 * 1024 * 1024
KEPT = 20
_DEVICES = frozenset(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "stdout", "stderr"))

_PATHS: dict[str, tuple[tuple[int, int], ...]] = {
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "os.mkdir": ((0, 2),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.truncate": ((0, -1),),
    "os.utime": ((0, 3),),
    "os.setxattr": ((0, -1),),
    "os.removexattr": ((0, -1),),
    "os.chflags": ((0, -1),),
    "sqlite3.connect": ((0, -1),),
}
"""What changes a file: where its audit event has a path, and the descriptor of a folder that it is relative to."""

_NEVER = frozenset(
    (
        "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.forkpty",
        "pty.spawn", "os.killpg", "socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo",
        "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo",
    )
)  # fmt: skip


class Fence:
    """What stands around this process.

    Args:
        folder: The private folder; empty where there is none: then nothing is opened for writing at all.
    """

    def __init__(self, folder: str) -> None:
        self.folder = os.path.realpath(folder) if folder else ""
        more = os.environ.get(MAY_WRITE, "").split(os.pathsep)
        self.free = tuple(os.path.realpath(each) for each in (folder, *more) if each)
        self.calling = False
        self._acts: list[Act] = []
        self._told: set[Act] = set()
        self._moved: dict[str, str] = {}

    def news(self) -> list[Act]:
        """Return what was refused or led elsewhere since the last look; each kind is told once."""
        acts, self._acts = self._acts, []
        return acts

    def _note(self, text: str) -> None:
        act = text, self.calling
        if act in self._told or len(self._told) >= KEPT:
            # While it is called it is told again: each of these calls acted.
            if self.calling and not self._acts:
                self._acts.append(act)
            return
        self._told.add(act)
        self._acts.append(act)

    def refuse(self, event: str, what: Any) -> PermissionError:
        """Note an act and return the error that refuses it.

        Args:
            event: Its audit event.
            what: What it would have acted on.
        """
        self._note(f"{event} {_shown(what)} was refused")
        return PermissionError(
            errno.EACCES,
            f"exuvia refuses {event} {_shown(what)}: this process loads the program's modules a second time, to "
            "compare, and changes no file, starts nothing and reaches nobody",
        )

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        """Take an audit event of the interpreter.

        Args:
            event: Its name.
            args: What it is about.

        Raises:
            PermissionError: If it is not let through.
        """
        if event == "open":
            path, mode, flags = args
            writing = set(mode) & set("wax+") if isinstance(mode, str) else (flags or 0) & WRITES
            if writing and not self._is_free(path, -1):
                raise self.refuse("open for writing", path)
        elif event in _PATHS:
            for at, folder in _PATHS[event]:
                if not self._is_free(args[at], args[folder] if 0 <= folder < len(args) else -1):
                    raise self.refuse(event, args[at])
        elif event in _NEVER:
            raise self.refuse(event, args[1] if event.startswith("socket.") and len(args) > 1 else args[0])
        elif event == "socket.sendmsg" and args[1] is not None:
            raise self.refuse(event, args[1])
        elif event == "os.kill" and args[0] != os.getpid():
            raise self.refuse(event, args[0])

    def _is_free(self, path: Any, folder: Any) -> bool:
        if isinstance(path, int):
            # A descriptor: it was opened by what is looked at here.
            return True
        name = os.fsdecode(path)
        if name in (":memory:", "") or name in _DEVICES:
            return True
        if isinstance(folder, int) and folder >= 0 and not os.path.isabs(name):  # noqa: PTH117 - bytes and all
            with contextlib.suppress(OSError):
                name = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), name)  # noqa: PTH118, PTH115 - as above
        # Where it leads in the end, so that no link made in here leads out.
        real = os.path.realpath(name)
        return any(real.startswith(each + os.sep) for each in self.free)

    def place(self, file: Any, *, writing: bool, fresh: bool, must_be_new: bool) -> Any:
        """Return where a file is opened: itself, or for writing one in the private folder.

        Args:
            file: A path or a descriptor.
            writing: Whether it is opened for writing.
            fresh: Whether what it holds does not matter: it is truncated, or only added to.
            must_be_new: Whether it must not be there yet.
        """
        if isinstance(file, int) or not (writing or self._moved):
            return file
        path = os.fsdecode(file)
        name = os.path.abspath(path)  # noqa: PTH100 - the program's own words
        if name in self._moved:
            if must_be_new:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
            return self._moved[name]
        if not writing or not self.folder or self._is_free(path, -1):
            return file
        found = _looked_up(name)
        if found is None:
            os.stat(os.path.dirname(name))  # noqa: PTH116, PTH120 - says that there is no such folder
        elif stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        elif must_be_new:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        elif not stat.S_ISREG(found.st_mode) or (not fresh and found.st_size > COPIED):
            raise self.refuse("open for writing", path)
        there = os.path.join(self.folder, f"{len(self._moved)}-{os.path.basename(name)[-80:]}")  # noqa: PTH118, PTH119 - text
        if found is not None and not fresh:
            with _io_open(name, "rb") as old, _io_open(there, "wb") as new:
                new.write(old.read(COPIED))
        self._moved[name] = there
        self._note(f"{name} was opened for writing: it went to a private file")
        return there


_io_open = io.open
_os_open = os.open
_fence: Fence | None = None


class _Open:
    """`open`, for a process inside of a fence; no function, so that it is no method where it stands in a class."""

    __name__ = __qualname__ = "open"
    __module__ = "io"
    __doc__ = _io_open.__doc__

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    def __call__(self, file: Any, mode: Any = "r", *args: Any, **kwargs: Any) -> Any:
        if isinstance(mode, str):
            says = set(mode)
            file = self._fence.place(
                file,
                writing=bool(says & set("wax+")),
                fresh="w" in says or ("a" in says and "+" not in says),
                must_be_new="x" in says,
            )
        return _io_open(file, mode, *args, **kwargs)


class _OsOpen:
    """`os.open`, likewise."""

    __name__ = __qualname__ = "open"
    __module__ = "posix"
    __doc__ = _os_open.__doc__

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    def __call__(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if dir_fd is None:
            path = self._fence.place(
                path,
                writing=bool(flags & WRITES),
                fresh=bool(flags & (os.O_TRUNC | os.O_APPEND)) and not flags & os.O_RDWR,
                must_be_new=flags & (os.O_CREAT | os.O_EXCL) == os.O_CREAT | os.O_EXCL,
            )
            if path in self._fence._moved.values():
                flags |= os.O_CREAT
                flags &= ~os.O_EXCL
        return _os_open(path, flags, mode, dir_fd=dir_fd)


def put_up(folder: str) -> Fence:
    """Put the fence up around this process, for good.

    Args:
        folder: A private folder, which is there; empty for none.
    """
    global _fence  # noqa: PLW0603 - one around a process
    fence = _fence = Fence(folder)
    # What is imported here must not be compiled into the program's folders.
    sys.dont_write_bytecode = True
    if fence.folder:
        # `tempfile` goes there, whenever it is imported.
        os.environ["TMPDIR"] = fence.folder
        if "tempfile" in sys.modules:
            setattr(sys.modules["tempfile"], "tempdir", fence.folder)  # noqa: B010 - a module's own name
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - not on every system

        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 * COPIED, hard))
    landlock.restrict(fence.free)
    opens: Any = _Open(fence)
    builtins.open = io.open = opens
    getattr(sys.modules.get("_io"), "__dict__", {})["open"] = opens
    os_open: Any = _OsOpen(fence)
    os.open = os_open
    _no_spawning(fence)
    sys.addaudithook(fence.hook)
    return fence


def _no_spawning(fence: Fence) -> None:
    """Refuse the one way to start a process that has no audit event: that of `multiprocessing`."""
    with contextlib.suppress(ImportError):
        import _posixsubprocess  # noqa: PLC0415 - not on every system

        def fork_exec(*args: Any) -> int:
            raise fence.refuse("starting a process", args[0] if args else "")

        held: Any = _posixsubprocess
        held.fork_exec = fork_exec


@contextlib.contextmanager
def calling() -> Iterator[None]:
    """Note what is done inside as done by a candidate while it was called."""
    fence = _fence
    if fence is None:
        yield
        return
    fence.calling = True
    try:
        yield
    finally:
        fence.calling = False


def leave(code: int) -> None:
    """End this process at once: what the program's modules would do at its exit is the program's to do, and once.

    Args:
        code: The exit code.
    """
    if os.environ.get(MAY_WRITE):
        # What measures this process writes what it has measured at its exit.
        getattr(atexit, "_run_exitfuncs")()  # noqa: B009 - as multiprocessing ends its children
        if sys.platform != "win32":
            import ctypes  # noqa: PLC0415 - only here

            ctypes.CDLL(None).exit(code)
    os._exit(code)


def _looked_up(name: str) -> os.stat_result | None:
    try:
        return os.stat(name)  # noqa: PTH116 - as the program wrote it
    except OSError:
        return None


def _shown(what: Any) -> str:
    try:
        return repr(os.fspath(what) if isinstance(what, os.PathLike) else what)[:120]
    except Exception:
        return "(what has no text)"
