"""What stands between the program and its worker: it starts the worker, waits for it and tells how it ended.

It is run as a file, by an interpreter of its own, and loads nothing of exuvia before it has split itself in two: one
becomes the worker, the other waits. It is no child of the program, so a program that waits for its children until
there are none is not kept waiting. It kills the worker when the program says so, closes its end, or dies.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys

__all__ = ["keep", "main"]

LOOK_MS = 50


def main(root: str, program: int, places: list[int]) -> None:
    """Split into the worker and its keeper, and be one of them.

    Args:
        root: Where exuvia is.
        program: The program's process id.
        places: The descriptors `way`, `page`, `witness`; -1 for a witness that the system cannot give.
    """
    way, page, witness = places
    keeper = os.getpid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A Ctrl-C or a terminate goes to the whole group: the program decides when this ends.
        signal.signal(number, signal.SIG_IGN)
    folder = _private()
    worker = os.fork()
    if not worker:
        if witness >= 0:
            os.close(witness)
        os.write(way, b"p%d\n" % os.getpid())
        os.close(way)
        sys.path.insert(0, root)
        from exuvia.migrate.shadow import worker as here  # noqa: PLC0415 - in the worker only

        here.main(page, keeper, folder)
        return
    os.close(page)
    nothing = os.open(os.devnull, os.O_RDWR)
    for place in (0, 1):
        # The ends of the worker's pipes are the worker's alone: so each side sees when the other is gone.
        os.dup2(nothing, place)
    os.close(nothing)
    # Where the program is the system's reaper, this is its child all the same.
    os.write(way, b"k%d\n" % keeper if os.getppid() == program else b"k0\n")
    status = keep(worker, way, witness, program)
    if folder:
        import shutil  # noqa: PLC0415 - not in the worker, whose start it would slow

        shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.write(way, b"s%d\n" % os.waitstatus_to_exitcode(status))


def keep(worker: int, way: int, witness: int, program: int) -> int:
    """Wait until the worker has ended; kill it if the program says so or is gone.

    Args:
        worker: Its process id, a child of this process.
        way: The way to the program: whatever is said there, and its end, means to kill.
        witness: A descriptor of the program's process, which can be read when it has ended; -1 for none.
        program: The program's process id.

    Returns:
        How it ended, as the system says it.
    """
    poll = select.poll()
    poll.register(way, select.POLLIN)
    ending = -1
    if witness >= 0:
        poll.register(witness, select.POLLIN)
    opened = getattr(os, "pidfd_open", None)
    if opened is not None:
        with contextlib.suppress(OSError):
            ending = opened(worker)
            poll.register(ending, select.POLLIN)
    patience = LOOK_MS if ending < 0 or witness < 0 else None
    while True:
        ready = {number for number, _ in poll.poll(patience)}
        if not ready <= {ending} or (witness < 0 and not _lives(program)):
            # Not waited for yet: the number is still the worker's.
            os.kill(worker, signal.SIGKILL)
            return os.waitpid(worker, 0)[1]
        ended, status = os.waitpid(worker, os.WNOHANG)
        if ended:
            return status


def _private() -> str:
    """Make the folder in which the worker may write; it goes with the worker. Empty where none can be made."""
    for place in (*(os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP")), "/tmp", "/var/tmp"):  # noqa: S108 - a name that nobody guesses
        folder = f"{place}/exuvia-worker-{os.urandom(8).hex()}"
        if place:
            with contextlib.suppress(OSError):
                os.mkdir(folder, 0o700)  # noqa: PTH102 - nothing more is loaded here
                return folder
    return ""


def _lives(program: int) -> bool:
    try:
        os.kill(program, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _apart() -> None:
    """Where the system cannot start a process that is no child: be the child's child, and let it end at once."""
    if os.fork():
        os._exit(0)


if __name__ == "__main__":
    if sys.argv[3] == "child":
        _apart()
    main(sys.argv[1], int(sys.argv[2]), [int(word) for word in sys.argv[4:7]])
