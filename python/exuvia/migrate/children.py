"""Children that `multiprocessing` starts: each is observed as its parent is, and writes what it saw before it ends.

A forked child has its parent's units, and leaves by `os._exit`, past everything that is registered for the exit. One
that called no unit says so there; one that did has not told all, and reads as killed unless `multiprocessing` ends it.
A spawned one begins with nothing: with what its parent sends it comes a passenger that installs the same configuration
there before the program's main module is loaded. A passenger that cannot do so enters its name in a list beside the
evidence. Its parent's evidence has that name too, and then the verdict says that this child's calls are not known. One
that is ended before has not called anything.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import itertools
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.migrate.background import Background
from exuvia.migrate.dispatch.hook import ImportWatch
from exuvia.migrate.evidence import folder as folders
from exuvia.migrate.own import signal, threading, time

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia.migrate.config import Config

__all__ = ["Children", "farewell_at_exit", "flush_at_end", "is_child", "join", "unseen"]

SPAWN = "multiprocessing.spawn"
PROCESS = "multiprocessing.process"
KEY = "exuvia"
LAST = -1_000
"""After every other finalizer of `multiprocessing`: those of its managers come at -100."""
FAREWELL_S = 0.8
"""How long a child that leaves by `os._exit` waits for its own farewell."""
TRIES = 3
"""Attempts to hold back signals: one that is pending runs its handler in the first."""
FILE = "children.list"
"""Beside the segments: the names of the children in which exuvia could not be installed."""
BOARD = """
import os, sys
if path is not None:
    sys.path = list(path)  # as multiprocessing does in a moment
try:
    from exuvia.migrate.children import join
    join(config, evidence)
except Exception as error:
    try:
        sys.stderr.write(f"exuvia: a child process runs without exuvia, legacy serves there: {error}\\n")
        held = os.open(os.path.join(evidence, file), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(held, f"{name}\\n".encode())
        os.close(held)
    except Exception:
        pass
"""


def unseen(folder: Path) -> set[str]:
    """Return the names of the children in which exuvia could not be installed.

    Args:
        folder: The evidence folder.
    """
    try:
        return set(folders.read_file(folder / FILE).decode("utf-8", "replace").splitlines())
    except OSError:
        return set()


class Children:
    """Sends a passenger with each child that is spawned from here on.

    Args:
        config: What is installed here.
        process: Says under which name this process writes its evidence.
        write: Takes a line of evidence.
    """

    def __init__(self, config: Config, process: Callable[[], str], write: Callable[[dict[str, Any]], None]) -> None:
        self.config, self.process, self.write = config, process, write
        self._numbers = itertools.count(1)
        self._hook = ImportWatch({SPAWN}, lambda _module: self._board())
        self._own: Any = None
        self._ours: Any = None

    def start(self) -> None:
        """Begin: at once if the program has loaded what spawns, else as soon as it does."""
        if SPAWN in sys.modules:
            self._board()
        else:
            self._hook.start()

    def stop(self) -> None:
        """Send none any more; what someone else has put around ours stays, and passes on to the program's own."""
        self._hook.stop()
        spawn = sys.modules.get(SPAWN)
        if spawn is not None and self._ours is not None and vars(spawn).get("get_preparation_data") is self._ours:
            vars(spawn)["get_preparation_data"] = self._own
        self._ours = None

    def _board(self) -> None:
        spawn = sys.modules[SPAWN]
        own = getattr(spawn, "get_preparation_data", None)
        if own is None or self._ours is not None:
            return

        @functools.wraps(own)
        def get_preparation_data(*args: Any, **kwargs: Any) -> Any:
            data = own(*args, **kwargs)
            if self._ours is not None and isinstance(data, dict):
                data[KEY] = _Passenger(self, data)
            return data

        self._own, self._ours = own, get_preparation_data
        vars(spawn)["get_preparation_data"] = get_preparation_data

    def name(self) -> str:
        """Give a child that is sent off a name, and put it on record."""
        name = f"{self.process()}-child-{next(self._numbers)}"
        # With the next counters: a program that starts a hundred children does not wait for the disk.
        self.write({"kind": "trouble", "what": "spawned", "text": name})
        return name


class _Passenger:
    """Installs exuvia where it is unpickled; it never fails there."""

    def __init__(self, children: Children, data: dict[str, Any]) -> None:
        self._children, self._path = children, data.get("sys_path")

    def __reduce__(self) -> tuple[Any, ...]:
        # Asked when the child is sent off, and not by a server of forks that only wants to know the path.
        config = self._children.config
        given = {
            "config": str(config.path),
            "evidence": str(config.evidence),
            "name": self._children.name(),
            "path": self._path,
            "file": FILE,
        }
        return exec, (BOARD, given)


def join(config: str, evidence: str) -> None:
    """Install in a child what its parent has installed.

    Args:
        config: The parent's configuration file.
        evidence: Its evidence folder.

    Raises:
        ExuviaError: As `install` says; legacy serves there then.
    """
    from exuvia.migrate import starting  # noqa: PLC0415 - what installs uses this module

    starting.install(replace(starting.load(config), evidence=Path(evidence)))


def is_child() -> bool:
    """Say whether `multiprocessing` started this process."""
    process: Any = sys.modules.get(PROCESS)
    if process is None:
        return False
    return process.parent_process() is not None or bool(getattr(process.current_process(), "_inheriting", False))


def farewell_at_exit(farewell: Callable[[], object]) -> None:
    """Have a forked child say farewell where it leaves by `os._exit`, which runs nothing else.

    The child leaves as it would without: what a signal's handler raises meanwhile cannot get around it, and a lock
    that was held at the fork, or a slow disk, costs it `FAREWELL_S`.

    Args:
        farewell: Says it; it is called in a thread of its own, and what it raises is dropped.
    """
    program: Any = sys.modules["os"]
    own = program._exit
    if getattr(own, "exuvia_says", False):
        return

    @functools.wraps(own)
    def _exit(*args: Any, **kwargs: Any) -> Any:
        before: list[Any] = []
        answer = None
        try:
            _hold_back(before)
            _said(farewell)
        except BaseException:  # noqa: S110 - of a handler that ran before signals were held back: it leaves all the same
            pass
        finally:
            try:
                answer = own(*args, **kwargs)
            finally:
                # The program's own came back: it was called wrongly, or somebody has replaced it.
                for mask in before[:1]:
                    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return answer

    vars(_exit)["exuvia_says"] = True
    program._exit = _exit


def _hold_back(before: list[Any]) -> None:
    """Hold back every signal in this thread; the mask of before goes into a list, so that no exception loses it."""
    if not hasattr(signal, "pthread_sigmask"):
        return
    for _ in range(TRIES):
        try:
            if not before:
                before.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            return
        except BaseException:  # noqa: S112 - of a handler, for a signal that had come before
            continue


def _said(farewell: Callable[[], object]) -> None:
    """Run it for no longer than `FAREWELL_S`; where no thread can be started, in this one."""
    done, until = threading.Event(), time.monotonic() + FAREWELL_S

    def say() -> None:
        with contextlib.suppress(BaseException):
            farewell()
        done.set()

    try:
        Background(say)
    except RuntimeError:
        say()
    except BaseException:  # noqa: S110 - of a handler: see below
        pass
    while True:
        try:
            if done.is_set() or (left := until - time.monotonic()) <= 0:
                return
            done.wait(left)
        except BaseException:  # noqa: S112 - of a handler, for a signal that came to another thread of the program's
            continue


def flush_at_end(flush: Callable[[], object]) -> None:
    """Write the last counters where a child of `multiprocessing` ends, which leaves past what `atexit` knows.

    Args:
        flush: Writes them; called once all threads of the child have ended.
    """
    process: Any = sys.modules.get(PROCESS)
    if process is None:
        return
    if process.parent_process() is not None:
        # It is under way already, as where an initializer of a pool installs.
        util: Any = importlib.import_module("multiprocessing.util")
        util.Finalize(None, flush, exitpriority=LAST)
    own = process.BaseProcess._bootstrap
    if getattr(own, "exuvia_flushes", False):
        return

    @functools.wraps(own)
    def _bootstrap(*args: Any, **kwargs: Any) -> Any:
        try:
            return own(*args, **kwargs)
        finally:
            with contextlib.suppress(Exception):
                flush()

    vars(_bootstrap)["exuvia_flushes"] = True
    process.BaseProcess._bootstrap = _bootstrap
