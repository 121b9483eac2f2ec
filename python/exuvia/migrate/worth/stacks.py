"""A profile: how long which call stack computed, waited or slept, whoever measured it.

>>> frame = Frame("bot/bars.py", 3, "mean")
>>> profile = Profile("sampled")
>>> profile.add((frame,), "compute", 0.75)
>>> profile.add((frame,), "sleep", 0.25)
>>> profile.total("compute"), profile.wall
(0.75, 1.0)
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KINDS", "Frame", "Profile", "kind_of_call", "kind_of_leaf"]

KINDS = ("compute", "wait", "sleep")

SLEEPS = frozenset({"sleep", "nanosleep", "clock_nanosleep", "usleep"})
"""Names of calls that sleep."""

WAITS = frozenset({
    "accept", "acquire", "communicate", "connect", "do_handshake", "fdatasync", "fsync", "getaddrinfo",
    "getresponse", "join", "poll", "epoll", "kqueue", "readinto", "readline", "recv", "recv_bytes",
    "recv_into", "recvfrom", "recvmsg", "select", "send", "sendall", "sendto", "urlopen", "wait", "wait_for",
    "waitpid", "fetchall", "fetchone", "execute", "commit",
})  # fmt: skip
"""Names of calls that wait for somebody else: the network, a disk, a lock, a process, a data base."""

_WAITING_FILES = ("socket.py", "ssl.py", "selectors.py", "threading.py", "queue.py", "subprocess.py", "connection.py")
_BUILTIN = re.compile(r"(?:built-in method |method ')?([\w.]+)'?(?: of .*)?$")


class Frame(NamedTuple):
    """One function on a stack.

    Attributes:
        file: Its file as the profiler names it, perhaps without the first folders.
        line: A line of it: the first one, or the one that ran.
        name: The function's name, perhaps with that of its class.
    """

    file: str
    line: int
    name: str


@dataclass(slots=True)
class Profile:
    """Time by call stack.

    Attributes:
        source: What measured it, for the reader.
        times: Seconds by stack (outermost first), thread and kind.
        calls: Calls by function, where the profiler counts them.
        edges: Seconds that a function ran for a caller, callees included, where the profiler keeps no stacks
            (cProfile); a caller of `None` is nobody.
        splits: Then the share of each kind in a function's time.
        seconds: Seconds from beginning to end, if they are known.
        cpu: CPU seconds of the process, if they were measured.
        overhead: CPU seconds that the profiler itself took, if it knows.
        weights: Whether times are samples without a unit, so that only shares mean anything.
        notes: What a reader should know.
    """

    source: str
    times: Counter[tuple[tuple[Frame, ...], str, str]] = field(default_factory=Counter)
    calls: Counter[Frame] = field(default_factory=Counter)
    edges: Counter[tuple[Frame | None, Frame]] = field(default_factory=Counter)
    splits: dict[Frame, dict[str, float]] = field(default_factory=dict)
    seconds: float | None = None
    cpu: float | None = None
    overhead: float | None = None
    weights: bool = False
    notes: list[str] = field(default_factory=list)

    def add(self, stack: tuple[Frame, ...], kind: str, seconds: float, thread: str = "MainThread") -> None:
        """Add time to a stack.

        Args:
            stack: Outermost frame first.
            kind: `compute`, `wait` or `sleep`.
            seconds: How long, or a weight.
            thread: The thread's name.
        """
        self.times[stack, thread, kind] += seconds  # type: ignore[assignment]  # Counter of floats

    def total(self, kind: str) -> float:
        """Return the seconds of one kind over all threads."""
        return sum(seconds for (_, _, which), seconds in self.times.items() if which == kind)

    def spent(self, holds: Callable[[Frame], bool]) -> dict[str, dict[str, float]]:
        """Return the seconds of some functions and all that they call, by thread and kind.

        Args:
            holds: Says whether a frame is one of those functions.
        """
        threads: dict[str, Counter[str]] = {}
        known: dict[Frame, bool] = {}

        def inside(frame: Frame | None) -> bool:
            if frame is None:
                return False
            if frame not in known:
                known[frame] = holds(frame)
            return known[frame]

        if self.edges:
            main = threads.setdefault("MainThread", Counter())
            for (caller, callee), seconds in self.edges.items():
                if inside(callee) and not inside(caller):
                    for kind, share in self.splits[callee].items():
                        main[kind] += seconds * share  # type: ignore[assignment]  # Counter of floats
            return {name: dict(kinds) for name, kinds in threads.items()}
        for (stack, thread, kind), seconds in self.times.items():
            if any(inside(frame) for frame in stack):
                threads.setdefault(thread, Counter())[kind] += seconds
        return {name: dict(kinds) for name, kinds in threads.items()}

    @property
    def wall(self) -> float:
        """Seconds from beginning to end: as measured, else those of the busiest thread."""
        if self.seconds is not None:
            return self.seconds
        threads: Counter[str] = Counter()
        for (_, thread, _), seconds in self.times.items():
            threads[thread] += seconds
        return max(threads.values(), default=0.0)


def kind_of_call(name: str) -> str:
    """Say what a call does by the name of what is called.

    >>> kind_of_call("time.sleep"), kind_of_call("self._sock.recv_into"), kind_of_call("json.loads")
    ('sleep', 'wait', 'compute')
    >>> kind_of_call("<method 'acquire' of '_thread.lock' objects>")
    'wait'

    Args:
        name: A dotted name, or a builtin as cProfile writes it.
    """
    found = _BUILTIN.match(name.strip("<>{}"))
    last = (found[1] if found else name).rpartition(".")[2]
    if last in SLEEPS:
        return "sleep"
    return "wait" if last in WAITS else "compute"


def kind_of_leaf(frame: Frame) -> str:
    """Say what the innermost function of a stack is doing, by its name and file: other profilers say no more.

    >>> kind_of_leaf(Frame("/usr/lib/python3.11/threading.py", 320, "wait"))
    'wait'

    Args:
        frame: The innermost frame.
    """
    name = frame.name.rpartition(".")[2]
    if name in SLEEPS:
        return "sleep"
    known = Path(frame.file).name in _WAITING_FILES or not frame.file.endswith(".py")
    return "wait" if name in WAITS and known else "compute"
