"""How a worker is started, so that it is no child of the program, and what the program keeps of it.

On Linux the extension makes its keeper without the program ever having a child. Elsewhere the program has one for the
moment that the keeper takes to split off, and waits for it here: a program that waits for any child at that moment may
see it.
"""

from __future__ import annotations

import contextlib
import errno
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import exuvia
from exuvia import _exuvia
from exuvia.migrate.descriptor import Held
from exuvia.migrate.own import os, socket, subprocess
from exuvia.migrate.shadow import protocol

__all__ = ["Ends", "start"]

KEEPER = Path(__file__).with_name("keeper.py")
CHILD_S = 30.0
_FORBIDDEN = (errno.ENOSYS, errno.EPERM)


@dataclass(frozen=True, slots=True)
class Ends:
    """What the program holds of a worker.

    Attributes:
        commands: Where samples are written.
        answers: Where answers are read.
        way: The way to its keeper.
        page: The page that the worker writes what it is doing to.
        trace: What it printed as it died.
    """

    commands: Held
    answers: Held
    way: Held
    page: Held
    trace: Held

    def all(self) -> tuple[Held, ...]:
        """Return them all."""
        return self.commands, self.answers, self.way, self.page, self.trace


def start() -> Ends:
    """Start a worker and its keeper.

    Returns:
        The program's ends; those that are read and written do not block.

    Raises:
        OSError: If it cannot be started.
    """
    kept: list[Held] = []
    with contextlib.ExitStack() as given:

        def give(number: int) -> int:
            # The program's own thread may close what it did not open at this very moment, and open files of its own.
            end = Held(number)
            given.callback(end.close)
            return end.number()

        def keep(number: int) -> Held:
            kept.append(Held(number))
            return kept[-1]

        try:
            reads, writes = os.pipe()
            commands_there, commands = give(reads), keep(writes)
            reads, writes = os.pipe()
            answers_there, answers = give(writes), keep(reads)
            here, there = (end.detach() for end in socket.socketpair())
            way_there, way = give(there), keep(here)
            os.set_blocking(way_there, True)
            page = keep(_memory("exuvia-shadow"))
            os.ftruncate(page.number(), protocol.PAGE_BYTES)
            trace = keep(_memory("exuvia-trace"))
            page_there, trace_there = give(os.dup(page.number())), give(os.dup(trace.number()))
            for end in (commands, answers, way):
                os.set_blocking(end.number(), False)
            witness = _witness()
            if witness >= 0:
                witness = give(witness)
            _start([commands_there, answers_there, trace_there, way_there, page_there, witness])
        except BaseException:
            for end in kept:
                end.close()
            raise
    return Ends(commands, answers, way, page, trace)


def _memory(name: str) -> int:
    """A file in memory that two processes share."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create(name)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _witness() -> int:
    """A descriptor of this process, which can be read when it has ended; -1 where there is none."""
    opened = getattr(os, "pidfd_open", None)
    if opened is None:
        return -1
    try:
        number: int = opened(os.getpid())
    except OSError:
        return -1
    return number


def _start(given: list[int]) -> None:
    flags: list[str] = getattr(subprocess, "_args_from_interpreter_flags")()  # noqa: B009 - as multiprocessing does
    root = Path(exuvia.__file__).resolve().parent.parent
    environment = {"PYTHONHASHSEED": "0", "MALLOC_ARENA_MAX": "2", **os.environ}
    words = [sys.executable, *flags, "-P", str(KEEPER), str(root), str(os.getpid())]
    places = [(number, place) for place, number in enumerate(given) if number >= 0]
    last = [str(place) if given[place] >= 0 else "-1" for place in (3, 4, 5)]
    _, error = _exuvia.start_apart(
        os.fsencode(sys.executable),
        [os.fsencode(word) for word in [*words, "apart", *last]],
        [os.fsencode(f"{name}={value}") for name, value in environment.items()],
        places,
    )
    if error in _FORBIDDEN:
        _start_child([*words, "child"], environment, given)
    elif error:
        raise OSError(error, os.strerror(error), sys.executable)


def _start_child(words: list[str], environment: dict[str, str], given: list[int]) -> None:
    """Start the keeper as a child that splits off at once, and wait for that."""
    process = subprocess.Popen(
        [*words, *map(str, given[3:])],
        stdin=given[0],
        stdout=given[1],
        stderr=given[2],
        pass_fds=[number for number in given[3:] if number >= 0],
        env=environment,
    )
    try:
        process.wait(CHILD_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise OSError(errno.ETIMEDOUT, f"it did not begin within {CHILD_S:g} s", sys.executable) from None
