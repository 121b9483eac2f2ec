"""The built-in sampler: a thread that looks at all the others some hundred times a second.

The CPU seconds of each thread are measured by its own clock and shared out over the samples that found it
computing; so a busy machine or a late sample does not turn waiting into compute.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from exuvia.migrate.worth.leaf import Threads
from exuvia.migrate.worth.stacks import Frame, Profile

if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Self

__all__ = ["Sampler"]

DEEPEST = 250
STACKS = 50_000
SWITCH_S = 5e-5
OWN_SHARE = 0.02
SLOWEST_S = 0.1
_HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120 - as co_filename is written

_Stack = tuple["CodeType", ...]


class Sampler:
    """Samples all threads of this process while it is entered.

    >>> with Sampler(every_s=0.002) as sampler:
    ...     time.sleep(0.05)
    >>> profile = sampler.profile()
    >>> profile.total("sleep") > profile.total("compute")
    True

    Args:
        every_s: Seconds between two looks, on average; it grows if the sampler needs more than 2 % of a core.
    """

    def __init__(self, every_s: float = 0.004) -> None:
        self.every_s = every_s
        self.looks = 0
        self.overhead = 0.0
        self._stacks: Counter[tuple[_Stack, str, str]] = Counter()
        self._last: dict[int, float] = {}
        self._cpu: dict[int, tuple[str, float, float]] = {}
        self._lost = 0
        self._began = self._ended = self._cpu_began = self._cpu_ended = 0.0
        self._stop = threading.Event()
        self._random = random.Random(7)  # noqa: S311 - its own stream, never the program's
        self._thread: threading.Thread | None = None
        self._switch = sys.getswitchinterval()
        self._system = Threads()

    def __enter__(self) -> Self:
        """Begins to sample."""
        self._switch = sys.getswitchinterval()
        # Else a computing thread is only seen where it gives the lock away by itself: when it begins to wait.
        sys.setswitchinterval(min(SWITCH_S, self._switch))
        self._began, self._cpu_began = time.perf_counter(), time.process_time()
        self._last[threading.get_ident()] = self._began
        self._thread = threading.Thread(target=self._run, name="exuvia-sampler", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends; the profile is whole."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5.0)
        self._ended, self._cpu_ended = time.perf_counter(), time.process_time()
        self._system.close()
        sys.setswitchinterval(self._switch)

    def _run(self) -> None:
        wake_sharply()
        me = threading.get_ident()
        for thread in threading.enumerate():
            if thread.native_id is not None and (spent := self._system.cpu(thread.native_id)) is not None:
                self._cpu[thread.native_id] = (thread.name, spent, spent)
        while not self._stop.wait(self.every_s * (0.5 + self._random.random())):
            self._look(me)
            self.overhead = time.thread_time()
            if self.overhead > OWN_SHARE * (time.perf_counter() - self._began + 0.25):
                self.every_s = min(self.every_s * 1.5, SLOWEST_S)

    def _look(self, me: int) -> None:
        self.looks += 1
        frames = sys._current_frames()
        now = time.perf_counter()
        threads = {thread.ident: thread for thread in threading.enumerate()}
        for ident, frame in frames.items():
            thread = threads.get(ident)
            if ident == me or thread is None or thread.native_id is None or thread.name.startswith("exuvia-"):
                continue
            since = self._last.get(ident, now - self.every_s)
            self._last[ident] = now
            kind = self._system.state(thread.native_id, frame.f_code, frame.f_lasti)
            stack = _codes(frame)
            if stack and _ours(stack[-1]):
                continue
            if (stack, thread.name, kind) not in self._stacks and len(self._stacks) >= STACKS:
                stack, self._lost = (), self._lost + 1
            self._stacks[stack, thread.name, kind] += now - since  # type: ignore[assignment]  # Counter of floats
            spent = self._system.cpu(thread.native_id)
            if spent is not None:
                first = self._cpu.get(thread.native_id, (thread.name, 0.0, 0.0))[1]
                self._cpu[thread.native_id] = (thread.name, first, spent)
        del frames

    def profile(self) -> Profile:
        """Return what was seen; call it after the end.

        Returns:
            Seconds by stack and kind, compute scaled to the CPU time that the threads had.
        """
        profile = Profile("sampled", seconds=self._ended - self._began, overhead=self.overhead)
        profile.cpu = max(self._cpu_ended - self._cpu_began - self.overhead, 0.0)
        measured: Counter[str] = Counter()
        for name, first, last in self._cpu.values():
            measured[name] += last - first  # type: ignore[assignment]  # Counter of floats
        seen: Counter[str] = Counter()
        blocked: Counter[str] = Counter()
        for (_, thread, kind), seconds in self._stacks.items():
            (seen if kind == "compute" else blocked)[thread] += seconds
        for (stack, thread, kind), seconds in self._stacks.items():
            scale = 1.0
            if measured[thread] > 0.0 and seen[thread] > 0.0:
                # What a thread computed more than the samples saw, it waited less: the sum is the time it was watched.
                whole = seen[thread] + blocked[thread]
                computed = min(measured[thread], 2.0 * seen[thread], whole)
                scale = computed / seen[thread] if kind == "compute" else (whole - computed) / blocked[thread]
            profile.add(tuple(_frame(code) for code in stack), kind, seconds * scale, thread)
        if self._lost:
            profile.notes.append(f"{self._lost:,} samples were of stacks beyond the first {STACKS:,}")
        if not self._system.exact:
            profile.notes.append("waiting is told by the names of calls: this system does not say what a thread does")
        if self.looks < 100:
            profile.notes.append(f"only {self.looks} samples: run it for longer before believing a share")
        return profile


def wake_sharply() -> None:
    """Ask Linux to wake this thread when it wants to, not up to 50 µs later: what is short would be missed."""
    if sys.platform != "linux":
        return
    try:
        import ctypes  # noqa: PLC0415 - only here

        set_timer_slack = 29
        ctypes.CDLL(None).prctl(set_timer_slack, 1, 0, 0, 0)
    except (OSError, AttributeError, ImportError):
        return


def _codes(frame: FrameType | None) -> _Stack:
    """The codes of a stack, outermost first; of a very deep one the innermost."""
    found: list[CodeType] = []
    while frame is not None and len(found) < DEEPEST:
        found.append(frame.f_code)
        frame = frame.f_back
    found.reverse()
    return tuple(found)


def _ours(code: CodeType) -> bool:
    return code.co_filename.startswith(_HOME)


def _frame(code: Any) -> Frame:
    return Frame(code.co_filename, code.co_firstlineno, code.co_qualname)
