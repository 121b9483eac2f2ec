"""The lane of one unit: where its samples wait, whether more are taken, and why not.

The caller's thread only appends to a deque and looks at one number; everything else is done by the courier.
"""

from __future__ import annotations

import sys
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

from exuvia.migrate.own import threading, time
from exuvia.migrate.shadow import protocol
from exuvia.migrate.shadow.pickling import packs
from exuvia.migrate.shadow.shedding import Latency, Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.evidence.record import Record
    from exuvia.migrate.shadow.protocol import Sample, Side

__all__ = ["LARGE", "STRIKES", "Lane"]

HEAVY_BYTES = 128 * 1024 * 1024
LARGE = 16_384
_finalizing = sys.is_finalizing
STRIKES = 3
FAILURES = 100
ACTS = 20
WAIT_S = 60.0
GONE = 100_000


class Known(weakref.ref[Any]):
    """A mark that is known by its number; when it is gone, this waits in `Lane.gone`.

    It comes there without code of Python: what a signal's handler raised in such would not reach the program.
    """

    __slots__ = ("number",)
    number: int


class Lane:
    """One unit's samples on their way.

    Args:
        index: Its place in the worker's list.
        unit: The unit.
        side: What the worker runs.
        record: The unit's record.
        ring: Wakes the courier.

    Attributes:
        packs: Pickles for this unit.
        samples: What waits, oldest first; the caller appends.
        limit: How many may wait; 0 where none are taken.
        generation: Which worker holds the twins; a twin of another one is out of step.
        off: Why nothing more is taken, for good.
        pause: Why nothing is taken for now.
        strikes: What its candidate did that must not happen; the third one ends the unit.
    """

    def __init__(self, index: int, unit: UnitConfig, side: Side, record: Record, ring: Callable[[], None]) -> None:
        self.index, self.unit, self.side, self.record = index, unit, side, record
        self.ring = ring
        self.patient = unit.when_full == "wait"
        self.packs = packs(unit.pickling)
        self.asleep = True
        self.samples: deque[Sample] = deque()
        self.reset()

    def reset(self) -> None:
        """Forget everything: a forked child starts with nothing."""
        self.samples.clear()
        self.limit = self.unit.queue
        self.generation = 1
        self.off = ""
        self.pause = ""
        self.strikes: list[str] = []
        self.failures = self._unsettled = 0
        self.flying = 0
        self.sent = self.answered = self.dropped = 0
        self.window = Window(self.unit.budget)
        self.latency = Latency()
        self.waiting_bytes = 0
        self._lock = threading.RLock()
        self.twins: dict[int, Known] = {}
        self.gone: deque[Known] = deque(maxlen=GONE)
        self.last_twin = 0
        self.acts: dict[str, int] = {}

    def put(self, sample: Sample) -> None:
        """Hand over one sample.

        Args:
            sample: It.
        """
        self.samples.append(sample)
        if self.asleep:
            self.asleep = False
            try:
                self.ring()
            except BaseException:
                # A signal's handler came before it was heard, or before there was a courier: the next one rings again.
                self.asleep = True
                raise

    def follow(self, mark: Any, number: int) -> None:
        """Know a mark by its number while its object lives.

        Args:
            mark: It.
            number: The number of its twin.
        """
        known = Known(mark, self.gone.append)
        known.number = number
        self.twins[number] = known

    def let_go(self) -> None:
        """Have the worker drop the twins of objects that are gone, after all calls on them; in the courier's thread."""
        while self.gone:
            number = self.gone.popleft().number
            self.twins.pop(number, None)
            if not self.off:
                self.samples.append((protocol.DROP, self.index, number, "", b"", None, b"", False, 0, None, None))

    def weigh(self, size: int) -> None:
        """Count the bytes of a large sample, before it is put.

        Args:
            size: Bytes; those that are answered come as negative ones.
        """
        with self._lock:
            self.waiting_bytes += size
        self.gate()

    def refused(self) -> bool:
        """Say whether a sample must not be taken, where the queue looks full; counts why.

        In a rehearsal with `when_full = "wait"` this waits for room instead.
        """
        if self.off and _finalizing():
            # The last counters are written, and nothing can be imported any more.
            return True
        if self.off or self.pause:
            self.record.dropped(self.off or self.pause)
            return True
        if self.latency.quiet:
            self.record.count("unsampled")
            self.record.count("quiet")
            return True
        until = time.monotonic() + (WAIT_S if self.patient else 0.0)
        while self.patient and not self.off and time.monotonic() < until:
            if len(self.samples) < self.limit:
                return False
            self.ring()
            time.sleep(0.002)
        self.dropped += 1
        self.record.dropped("the queue to the worker was full")
        return True

    def gate(self) -> None:
        """Open or close the lane by what is known now."""
        closed = self.off or self.pause or self.latency.quiet or self.waiting_bytes > HEAVY_BYTES
        self.limit = 0 if closed else self.unit.queue

    def turn_off(self, why: str) -> None:
        """Take nothing more, for good.

        Args:
            why: What status shows.
        """
        if not self.off:
            self.off = why
            self.gate()
            self.record.write(
                {"kind": "trouble", "unit": self.unit.name, "what": f"{self.unit.name}: shadow off: {why}"}
            )

    def acted(self, what: str, *, called: bool) -> None:
        """Put on record, once, what the worker was kept from.

        Args:
            what: It.
            called: Whether that was while the unit's own call ran there, not as its modules were loaded.
        """
        text = f"while it was called, {what}: a pure unit writes nothing, starts nothing and reaches nobody"
        text = text if called else f"as its modules were loaded, {what}"
        self.acts[text] = self.acts.get(text, 0) + 1
        if self.acts[text] == 1 and len(self.acts) <= ACTS:
            # Modules that act as they are loaded are no fault of anybody's.
            line = {"kind": "trouble", "what": "acted"} if called else {"kind": "remark"}
            self.record.write({**line, "unit": self.unit.name, "text": f"{self.unit.name}: in the worker, {text}"})

    def failed(self, why: str) -> None:
        """Count a comparison that failed; a hundred on end suspend the shadow.

        Args:
            why: What failed.
        """
        self.record.failed(why)
        self.failures += 1
        if self.failures >= FAILURES:
            self.turn_off(f"suspended after {FAILURES} failures on end, the last: {why}")

    def unsettled(self, twin: int, why: str) -> None:
        """Count an answer that could not be put on record; a hundred in all suspend the shadow.

        Args:
            twin: Which twin it was of, 0 for none: what it did is not known.
            why: What failed.
        """
        found = self.twins.get(twin)
        mark = found() if found is not None else None
        if mark is not None:
            mark.stale = True
        self.record.failed(why)
        self._unsettled += 1
        if self._unsettled >= FAILURES:
            self.turn_off(f"suspended after {FAILURES} answers that could not be put on record, the last: {why}")
