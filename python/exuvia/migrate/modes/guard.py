"""What brings a running process back to legacy by itself: kill file, signal, a mismatch in canary, an expiry.

The signal is SIGUSR2: `kill -USR2 PID` puts every unit of every process of this evidence folder back. It is taken
only where the program has no handler of its own. The handler says so in a queue and a thread of exuvia does the rest,
so that the trading thread waits for nothing. The queue is of a kind that a signal handler may use at any moment, and
needs no descriptor that a program could close.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from typing import TYPE_CHECKING, Any, Protocol

from exuvia.migrate.background import Background
from exuvia.migrate.modes import expiry, hooks, overlays, rollback
from exuvia.migrate.modes.entries import MODES
from exuvia.migrate.modes.writing import open_journal
from exuvia.migrate.own import queue, signal, threading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from exuvia.migrate.config import Config

__all__ = ["Guard"]

WATCHED = ("canary", "rust")
FATAL = {
    "differed": "a call differed",
    "panics": "the candidate panicked",
    "timeouts": "the candidate took too long",
    "answered": "the candidate raised and legacy answered",
    "unanswered": "the candidate raised and legacy could not answer",
}
PATIENCE = {("rust", "answered"): 3}
"""How many it takes since the unit went into a mode, where it is not the first."""


class Fall(Protocol):
    """What puts a unit of this process into legacy."""

    def __call__(self, name: str, cause: str, *, lasting: bool) -> None:
        """Put a unit, or `*` for all, into legacy, `lasting` until a restart."""
        ...


class Guard:
    """Watches one process.

    Args:
        config: The configuration.
        fall: Puts a unit, or `*`, of this process into legacy at once; it stays there where the journal cannot
            be written.
    """

    def __init__(self, config: Config, fall: Fall) -> None:
        self.config, self.fall = config, fall
        self._seen: dict[str, tuple[str, dict[str, int]]] = {}
        self._entered: dict[str, dict[str, int]] = {}
        self.fell: dict[str, str] = {}
        """What a unit's candidate raised that legacy could not answer for, and why."""
        self._heard: queue.SimpleQueue[bool] | None = None
        self._took_signal = False

    def start(self) -> None:
        """Take the signal, if nobody has it, and wait for it in a thread."""
        self._listen()
        here = threading.get_ident() == threading.main_thread().ident
        if here and sys.platform != "win32" and signal.getsignal(signal.SIGUSR2) is signal.SIG_DFL:
            signal.signal(signal.SIGUSR2, self._on_signal)
            self._took_signal = True

    def stop(self) -> None:
        """Give the signal back."""
        here = threading.get_ident() == threading.main_thread().ident
        if self._took_signal and here and signal.getsignal(signal.SIGUSR2) == self._on_signal:
            signal.signal(signal.SIGUSR2, signal.SIG_DFL)
            self._took_signal = False
        heard, self._heard = self._heard, None
        if heard is not None:
            heard.put(False)

    def after_fork(self) -> None:
        """Listen for itself, and count from nothing: a signal to a child is the child's; the thread is the parent's."""
        self._seen.clear()
        self._entered.clear()
        self._listen()

    def _listen(self) -> None:
        heard: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._heard = heard
        Background(functools.partial(self._wait, heard))

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._heard is not None:
            self._heard.put(True)

    def _wait(self, heard: queue.SimpleQueue[bool]) -> None:
        while heard.get():
            self.everything("signal SIGUSR2")

    def everything(self, cause: str) -> None:
        """Put every unit of every process back.

        Args:
            cause: Why.
        """
        try:
            with open_journal(self.config.evidence, lowers=True) as pen:
                pen.append({"unit": "*", "mode": MODES[0], "reason": cause})
            overlays.publish(self.config)
            hooks.call(self.config, {"event": "rollback", "unit": "*", "cause": cause})
        except Exception as error:
            self.fall("*", f"{cause}; the mode journal could not be written: {error}", lasting=True)
            return
        self.fall("*", cause, lasting=False)

    def look(self, counters: Mapping[str, Mapping[str, Any]]) -> None:
        """Look at the kill file, at what is over, and at what the units counted since the last look; never raises.

        Args:
            counters: As `Record.counters` returns them, by unit.
        """
        self.accuse(counters)
        for act in (rollback.by_kill_file, expiry.sweep):
            with contextlib.suppress(Exception):
                act(self.config)

    def accuse(self, counters: Mapping[str, Mapping[str, Any]]) -> None:
        """Put the units into quarantine that counted something since the last look which is not borne.

        Args:
            counters: As `Record.counters` returns them, by unit.
        """
        for name, counted in counters.items():
            cause = self._news(name, counted)
            if cause is not None:
                self.quarantine(name, cause)

    def quarantine(self, unit: str, cause: str) -> None:
        """Put one unit into quarantine; this process falls even if the journal cannot be written.

        Args:
            unit: The unit's name.
            cause: Why.
        """
        try:
            overlays.quarantine(self.config, unit, cause)
        except Exception as error:
            self.fall(unit, f"{cause}; the mode journal could not be written: {error}", lasting=True)
            return
        self.fall(unit, cause, lasting=False)

    def _news(self, name: str, counted: Mapping[str, Any]) -> str | None:
        """What went wrong in canary or rust since the last look."""
        mode = str(counted.get("mode", MODES[0]))
        now = {word: int(counted.get(word, 0) or 0) for word in FATAL}
        before_mode, before = self._seen.get(name, (mode, dict.fromkeys(FATAL, 0)))
        self._seen[name] = mode, now
        if before_mode != mode:
            self._entered[name] = before
        entered = self._entered.get(name, dict.fromkeys(FATAL, 0))
        if mode not in WATCHED:
            return None
        more = {word: now[word] - before[word] for word in FATAL}
        if self.config.rehearsal and before_mode not in WATCHED:
            # A rehearsal may go up by hand on a difference of a moment ago; elsewhere that voids the approval.
            more = {**dict.fromkeys(FATAL, 0), "unanswered": more["unanswered"]}
        fell = self.fell.pop(name, None) if more["unanswered"] > 0 else None
        found = [
            f"{said} ({now[word] - entered[word]:,} in {mode})" + (f": {fell}" if fell and word == "unanswered" else "")
            for word, said in FATAL.items()
            if more[word] > 0 and now[word] - entered[word] >= PATIENCE.get((mode, word), 1)
        ]
        return "; ".join(found) or None
