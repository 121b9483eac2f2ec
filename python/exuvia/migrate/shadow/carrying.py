"""What the courier does on its own thread: it takes samples to the worker process and brings verdicts back.

It sends batches, keeps what is not answered, writes answers to the unit's record, kills a worker that exceeds a
deadline or its memory, and starts another. What dies, hangs or panics three times is quarantined.
"""

from __future__ import annotations

import contextlib
import sys
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from exuvia.migrate import binary
from exuvia.migrate.descriptor import Held, ready
from exuvia.migrate.own import os, pickle, signal, threading, time
from exuvia.migrate.shadow import protocol
from exuvia.migrate.shadow.lane import LARGE, STRIKES, Lane
from exuvia.migrate.shadow.link import Link, main_module
from exuvia.migrate.shadow.packing import reason
from exuvia.migrate.shadow.settling import settle, settle_dropped, settle_lost, settle_strike

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exuvia.migrate.background import Background
    from exuvia.migrate.shadow.door import Door
    from exuvia.migrate.shadow.protocol import Sample

__all__ = ["Carrying"]

_Any = TypeVar("_Any")

BATCH = 256
BITE = 128
PAUSE_S = 0.00005
IN_FLIGHT = 1024
UNSENT_BYTES = 64 * 1024
IN_FLIGHT_BYTES = 8 * 1024 * 1024
GATHER_S = 0.002
TICK_S = 1.0
QUIET_TICK_S = 0.05
WEIGH_S = 0.05
LOADING_S = 120.0
FAILED_STARTS = 3
ENDED = "the program ended before it was compared"
STOPPED = "the courier has stopped"


class Carrying:
    """The lanes, the worker, what is on its way, and the thread that looks after them.

    Args:
        quarantine: Called with unit and cause when a unit must not run any more.
        limit_memory: Whether the system limits the worker's memory.
    """

    def __init__(self, quarantine: Callable[[str, str], None], *, limit_memory: bool) -> None:
        self.quarantine, self.limit_memory = quarantine, limit_memory
        self.lanes: list[Lane] = []
        self.doors: list[Door] = []
        self._fresh()

    def _fresh(self) -> None:
        self.thread: Background | None = None
        self._claim = threading.Lock()
        self.link: Link | None = None
        self.pending: deque[tuple[Lane, Sample]] = deque()
        self.again: deque[tuple[Lane, Sample]] = deque()
        self.flying_bytes = 0
        self.restarts = self.failed_starts = 0
        self.broken = ""
        self._bell: tuple[Held, Held] | None = None
        self._stopping = False
        self._settled = threading.Event()
        self._ticked = self._looked = self._weighed = 0.0
        self._turn = self._told = 0

    def open_all(self) -> None:
        """Open the lanes of all units: the worker is told of them as it starts, and loads what they name there once."""
        for door in self.doors:
            door.open()

    def _alone(self, thread: Background) -> bool:
        """Let one thread only be the courier's, however often one was started."""
        if not self._claim.acquire(blocking=False):
            return False
        self.thread = thread
        return True

    def _run(self) -> None:
        if hasattr(signal, "pthread_sigmask"):
            # Where a program lets SIGPIPE end it, a worker that died must not be its end.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
        try:
            while not self._stopping:
                self._turn_once()
        except Exception as error:
            self.broken = reason("the courier failed", error)
            for lane in self.lanes:
                lane.turn_off(self.broken)
        finally:
            self._close()

    def _open_bell(self) -> None:
        reads, writes = os.pipe()
        bell = Held(reads), Held(writes)
        for end in bell:
            os.set_blocking(end.number(), False)
        self._bell = bell

    def _mend(self) -> None:
        """Replace what the program closed; what has its number now is the program's, and is left alone."""
        bell, link = self._bell, self.link
        if bell is not None and any(end.lost for end in bell):
            for end in bell:
                end.close()
            self._open_bell()
        if link is not None and link.lost:
            self._died(link)

    def _turn_once(self) -> None:
        self._mend()
        for lane in self.lanes:
            lane.let_go()
        busy = bool(self.pending or self.again)
        if not busy and not any(lane.samples for lane in self.lanes):
            self._sleep()
        self._fill()
        self._wait()
        self._watch()
        now = time.monotonic()
        if now - self._ticked >= QUIET_TICK_S:
            self._ticked = now
            self._tick(now)

    def _sleep(self) -> None:
        """Wait for a ring; then a moment more, so that a burst of calls becomes one batch."""
        for lane in self.lanes:
            lane.asleep = True
        if self._bell is None or any(lane.samples for lane in self.lanes):
            return
        # Nothing comes while the program is left alone for a measurement: that must end by the clock.
        quiet = any(lane.latency.quiet for lane in self.lanes)
        link = self.link
        with contextlib.suppress(OSError):
            bell = self._bell[0].number()
            answers = link.answers.number() if link is not None else bell
            found = ready([bell, answers], [], QUIET_TICK_S if quiet else TICK_S)
            if bell in found:
                self._hush()
                time.sleep(GATHER_S)
            elif found and link is not None:
                # An idle worker says nothing: it has died.
                self._pull(link)

    def _hush(self) -> None:
        """Take the rings out of the bell."""
        if self._bell is not None:
            with contextlib.suppress(OSError):
                os.read(self._bell[0].number(), 4096)

    def _fill(self) -> None:
        """Give the worker as much as it may hold."""
        if self.broken:
            self._drain(self.broken)
            return
        if self.link is None and (self.again or any(lane.samples for lane in self.lanes)):
            self._connect()
        link = self.link
        if link is None:
            return
        while len(self.pending) < IN_FLIGHT and self.flying_bytes < IN_FLIGHT_BYTES and link.unsent < UNSENT_BYTES:
            batch = self._batch()
            if not batch:
                break
            link.send([sample for _, sample in batch])
            self.pending += batch
            if not link.push():
                break
        link.push()

    def _batch(self) -> list[tuple[Lane, Sample]]:
        batch: list[tuple[Lane, Sample]] = []
        while self._told < len(self.lanes):
            # A unit that came after the worker was started.
            lane = self.lanes[self._told]
            side = pickle.dumps(lane.side)
            batch.append((lane, (protocol.SIDE, lane.index, 0, "", side, None, b"", False, 0, None, None)))
            lane.flying += 1
            self._told += 1
        while self.again and len(batch) < BATCH:
            lane, sample = self.again.popleft()
            if lane.off:
                # It waited for a worker when its unit was quarantined: nothing of that runs again.
                settle_dropped(lane, sample, lane.off)
                lane.flying -= 1
                self.flying_bytes -= _size(sample)
                continue
            batch.append((lane, sample))
        # Not one that a call has opened since: of its unit the worker has not heard.
        lanes = self.lanes[: self._told]
        for number in range(len(lanes)):
            lane = lanes[(self._turn + number) % len(lanes)]
            while lane.samples and len(batch) < BATCH and self.flying_bytes < IN_FLIGHT_BYTES:
                lane.flying += 1
                sample = lane.samples.popleft()
                if lane.off:
                    settle_dropped(lane, sample, lane.off)
                    lane.flying -= 1
                    continue
                lane.sent += 1
                self.flying_bytes += _size(sample)
                batch.append((lane, sample))
        self._turn += 1
        return batch

    def _connect(self) -> None:
        exchanged = binary.exchanged()
        if exchanged is not None:
            # What a new worker would load is not what this process runs, and F names.
            self._no_worker(exchanged)
            return
        self.open_all()
        sides = tuple(lane.side for lane in list(self.lanes))
        self._told = len(sides)
        hello = protocol.Hello(list(sys.path), list(sys.argv), main_module(), sides, self.limit_memory)
        try:
            self.link = Link(hello)
        except (OSError, ValueError) as error:
            self._no_worker(reason("the worker cannot be started", error))

    def _wait(self) -> None:
        """Wait for answers, for room in the pipe, or for a ring, and take what came."""
        link = self.link
        if link is None or self._bell is None:
            return
        patience = 0.005 if link.unsent == 0 and len(self.pending) < IN_FLIGHT // 2 else 0.02
        try:
            bell, answers = self._bell[0].number(), link.answers.number()
            writing = [link.commands.number()] if link.unsent else []
        except OSError:
            # The program closed one of them just now: the next turn mends it.
            return
        found = ready([bell, answers], writing, patience if self.pending else 0.0)
        if bell in found:
            self._hush()
        if not link.push() or answers in found:
            self._pull(link)

    def _pull(self, link: Link) -> None:
        answers, open_ = link.pull()
        now = time.monotonic()
        for number, answer in enumerate(answers, 1):
            if not number % BITE:
                # Python threads take turns of 5 ms: without this the program would wait for whole batches.
                time.sleep(PAUSE_S)
            try:
                lane, sample = self.pending.popleft()
            except IndexError:
                # The program ended meanwhile: it is counted as dropped.
                return
            try:
                cause = settle(lane, sample, answer, now)
                if cause is not None:
                    self._strike(lane, cause)
            except Exception as error:
                # One sample that cannot be settled is its own unit's, and no end of comparing for the others.
                lane.unsettled(sample[2], reason("its answer could not be put on record", error))
            self._done(lane, sample)
        if answers:
            self.failed_starts = 0
        if not open_:
            self._died(link)

    def _done(self, lane: Lane, sample: Sample) -> None:
        lane.answered += 1
        lane.flying -= 1
        size = _size(sample)
        self.flying_bytes -= size
        if size > LARGE:
            lane.weigh(-size)

    def _watch(self) -> None:
        """Kill a worker that is too long at one sample, or has grown too large."""
        link, now = self.link, time.monotonic()
        looked, self._looked = self._looked, now
        if link is None or not self.pending:
            return
        number, seconds, doing = link.doing()
        place = number - link.settled
        if doing == protocol.RUNNING and 0 <= place < len(self.pending):
            lane, _ = self.pending[place]
            deadline = lane.unit.deadline
            # If this thread itself was stopped meanwhile, so was the worker perhaps: look again.
            if seconds > deadline and now - looked < deadline:
                link.kill(f"timeout: no answer in {deadline:g} s")
            elif now - self._weighed > WEIGH_S and link.grown() > lane.unit.memory:
                link.kill(f"memory: more than {lane.unit.memory >> 20} MiB")
            if now - self._weighed > WEIGH_S:
                self._weighed = now
        elif doing != protocol.RUNNING and seconds > LOADING_S:
            link.kill(f"the worker did not load its candidates in {LOADING_S:g} s")

    def _died(self, link: Link) -> None:
        """Settle what a worker left: the running sample is the cause, what came before may run again."""
        number, _, doing = link.doing()
        place, lost = number - link.settled, link.lost
        cause = link.end(0.0 if lost else 1.0)
        self.link = None
        pending = self.pending
        self.restarts += 1
        guilty = pending[place] if not lost and doing != protocol.IDLE and 0 <= place < len(pending) else None
        for entry in _taken(pending):
            lane, sample = entry
            if entry is guilty:
                kind = "timeout" if cause.startswith("timeout") else "panic"
                settle_strike(lane, sample, kind, cause)
                self._strike(lane, cause)
                self._done(lane, sample)
            elif not sample[2]:
                self.again.append(entry)
            else:
                settle_lost(lane, sample, f"its twin was lost with the worker: {cause}")
                self._done(lane, sample)
        self.flying_bytes = sum(_size(sample) for _, sample in self.again)
        for lane in self.lanes:
            self._twins_lost(lane, cause)
        if guilty is None and not lost:
            self.failed_starts += 1
            if self.failed_starts >= FAILED_STARTS:
                self._no_worker(cause)

    def _twins_lost(self, lane: Lane, cause: str) -> None:
        lane.generation += 1
        if not lane.side.is_class:
            return
        for _ in range(len(lane.samples)):
            settle_lost(lane, lane.samples.popleft(), f"its twin was lost with the worker: {cause}")

    def _strike(self, lane: Lane, cause: str) -> None:
        """Count what must not happen; the third time the unit is quarantined, by whichever lane it came."""
        lane.strikes.append(cause)
        mine = [one for one in self.lanes if one.unit.name == lane.unit.name]
        alike = [one for one in mine if one.side.reverse == lane.side.reverse]
        if sum(len(one.strikes) for one in alike) != STRIKES:
            return
        if lane.side.reverse:
            for one in alike:
                one.turn_off(f"legacy cannot run in the worker, three times: {cause}")
            return
        for one in mine:
            one.turn_off(f"quarantined: {cause}")
        try:
            self.quarantine(lane.unit.name, cause)
        except Exception as error:
            lane.record.lost(reason("the quarantine failed", error))

    def _no_worker(self, cause: str) -> None:
        self.open_all()
        self.broken = cause
        for lane in self.lanes:
            lane.turn_off(cause)
        self._drain(cause)

    def _drain(self, cause: str) -> None:
        """Count everything that waits as dropped."""
        for waiting in (self.pending, self.again):
            for lane, sample in _taken(waiting):
                settle_dropped(lane, sample, cause)
                lane.flying -= 1
        for lane in self.lanes:
            for sample in _taken(lane.samples):
                settle_dropped(lane, sample, cause)

    def _tick(self, now: float) -> None:
        """What is looked after now and then: the evidence, budgets, latency."""
        for lane in self.lanes:
            lane.pause = ""
            if not lane.record.sampling():
                lane.pause = "evidence cannot be written"
            elif not lane.patient:
                if lane.window.over(now):
                    lane.pause = f"its budget of {lane.unit.budget:g} of a core is used up"
                if not lane.side.is_class:
                    slow = lane.latency.tick(now)
                    if slow is not None:
                        lane.turn_off(slow)
            lane.gate()

    def _close(self) -> None:
        """Count what is left at once, since the last counters wait for it; the worker has its moment after that."""
        link, self.link = self.link, None
        try:
            self._end_lanes()
        finally:
            self._settled.set()
            if link is not None:
                link.end(0.5)

    def _end_lanes(self) -> None:
        for lane in self.lanes:
            lane.off = lane.off or STOPPED
            lane.limit = 0
        self._drain(ENDED)


def _taken(waiting: deque[_Any]) -> Iterator[_Any]:
    """Take what waits, though another thread may do so too."""
    with contextlib.suppress(IndexError):
        while True:
            yield waiting.popleft()


def _size(sample: Sample) -> int:
    size = len(sample[4])
    outcome: Any = sample[6]
    if isinstance(outcome, bytes):
        return size + len(outcome)
    return size + sum(len(part) for step in outcome or () for part in step if isinstance(part, bytes))
