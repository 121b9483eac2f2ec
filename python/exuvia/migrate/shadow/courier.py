"""The courier: takes samples to the worker process and brings verdicts back, on one thread of its own.

The caller appends a sample to the lane of its unit and, if the courier sleeps, rings once. The courier sends
batches, keeps what is not answered, writes answers to the unit's record, kills a worker that exceeds a
deadline or its memory, and starts another. What dies, hangs or panics three times is quarantined.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from exuvia.migrate import binary
from exuvia.migrate.shadow import protocol
from exuvia.migrate.shadow.lane import LARGE, STRIKES, Lane
from exuvia.migrate.shadow.link import Link, main_module
from exuvia.migrate.shadow.packing import reason
from exuvia.migrate.shadow.settling import settle, settle_dropped, settle_lost, settle_strike

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exuvia.migrate.config import Config, UnitConfig
    from exuvia.migrate.evidence.record import Record
    from exuvia.migrate.shadow.protocol import Sample

__all__ = ["Courier"]

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


class Courier:
    """The way to the worker process and back, for all units of this process.

    Nothing runs before the first sample.

    Args:
        config: The configuration.
        records: The units' records.
        quarantine: Called with unit and cause when a unit must not run any more.
        limit_memory: Whether the system limits the worker's memory; off under sanitizers.
    """

    def __init__(
        self,
        config: Config,
        records: Mapping[str, Record],
        quarantine: Callable[[str, str], None],
        *,
        limit_memory: bool = True,
    ) -> None:
        self.config, self.records, self.quarantine = config, records, quarantine
        self.limit_memory = limit_memory
        self.lanes: list[Lane] = []
        # A signal handler may flush in the middle of the start.
        self._starting = threading.RLock()
        self._fresh()

    def __del__(self) -> None:
        """Close the bell: not before, since a late ring must not be written into another file."""
        for descriptor in self._bell or ():
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _fresh(self) -> None:
        self.thread: threading.Thread | None = None
        self.link: Link | None = None
        self.pending: deque[tuple[Lane, Sample]] = deque()
        self.again: deque[tuple[Lane, Sample]] = deque()
        self.flying_bytes = 0
        self.restarts = self.failed_starts = 0
        self.broken = ""
        self._bell: tuple[int, int] | None = None
        self._stopping = False
        self._settled = threading.Event()
        self._ticked = self._looked = self._weighed = 0.0
        self._turn = self._told = 0

    def lane(self, unit: UnitConfig, side: protocol.Side) -> Lane:
        """Open the lane of a unit.

        Args:
            unit: The unit.
            side: What the worker runs for it.
        """
        lane = Lane(len(self.lanes), unit, side, self.records[unit.name], self.ring)
        self.lanes.append(lane)
        return lane

    def start(self) -> None:
        """Start the courier's thread, and by it the worker; the first sample does it too."""
        with self._starting:
            if self.thread is not None or self._stopping:
                return
            self._bell = os.pipe()
            for descriptor in self._bell:
                os.set_blocking(descriptor, False)
            self.thread = threading.Thread(target=self._run, name="exuvia-shadow", daemon=True)
            self.thread.start()

    def ring(self) -> None:
        """Wake the courier."""
        try:
            if self.thread is None:
                self.start()
            if self._bell is not None:
                os.write(self._bell[1], b"!")
        except (OSError, RuntimeError):
            # A full bell has rung already; at the interpreter's end no thread starts any more.
            pass

    def let_go(self, deadline_s: float) -> None:
        """Take nothing more, and count what waits as dropped before this returns.

        Args:
            deadline_s: Seconds that the courier may take to come to it.
        """
        self._stopping = True
        if self.thread is threading.current_thread():
            return
        if self.thread is not None:
            self.ring()
            self._settled.wait(deadline_s)
        # Nothing if the thread came to it; all if it never ran, or hangs in a journal or a file.
        self._end_lanes()

    def stop(self, deadline_s: float) -> None:
        """End courier and worker; what waits is counted as dropped.

        Args:
            deadline_s: Seconds that this may take.
        """
        until = time.monotonic() + deadline_s
        self.let_go(deadline_s)
        thread = self.thread
        if thread is None or thread is threading.current_thread():
            return
        thread.join(max(0.0, until - time.monotonic()))
        link = self.link
        if link is not None:
            link.kill("the program ends")

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything that was taken is on record.

        Args:
            timeout_s: How long at most.

        Returns:
            Whether nothing is left.
        """
        until = time.monotonic() + timeout_s
        if self._left():
            self.ring()
        while self._left():
            if self.thread is None or not self.thread.is_alive() or time.monotonic() > until:
                return not self._left()
            time.sleep(0.002)
        return True

    def after_fork(self) -> None:
        """Begin anew in a forked child: the worker, its pipes and what waits belong to the parent."""
        link, bell = self.link, self._bell
        if link is not None:
            link.forget()
        for descriptor in bell or ():
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._starting = threading.RLock()
        self._fresh()
        for lane in self.lanes:
            generation = lane.generation
            lane.reset()
            # Twins of the parent's worker are out of step here.
            lane.generation = generation + 1
            lane.asleep = True

    def stats(self) -> dict[str, Any]:
        """Return what the courier has done: by unit what was sent, answered, dropped, and why it is off."""
        units = {
            lane.unit.name + (" (reverse)" if lane.side.reverse else ""): {
                "waiting": len(lane.samples),
                "sent": lane.sent,
                "answered": lane.answered,
                "dropped": lane.dropped,
                "strikes": list(lane.strikes),
                "off": lane.off or self.broken,
                "pause": lane.pause,
            }
            for lane in self.lanes
        }
        link = self.link
        return {"worker": link.process.pid if link is not None else None, "restarts": self.restarts, "units": units}

    def notes(self, unit: str) -> list[str]:
        """Return what status says of a unit's shadow.

        Args:
            unit: The unit's name.
        """
        mine = [lane for lane in self.lanes if lane.unit.name == unit]
        found = [f"shadow off: {lane.off}" for lane in mine if lane.off]
        found += [f"shadow pauses: {lane.pause}" for lane in mine if lane.pause and not lane.off]
        return found

    def _left(self) -> bool:
        return bool(self.pending or self.again or any(lane.samples or lane.flying for lane in self.lanes))

    # What follows runs on the courier's own thread.

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._turn_once()
        except Exception as error:
            self.broken = reason("the courier failed", error)
            for lane in self.lanes:
                lane.turn_off(self.broken)
        finally:
            self._close()

    def _turn_once(self) -> None:
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
        descriptors = [self._bell[0]]
        if self.link is not None:
            descriptors.append(self.link.answers)
        # Nothing comes while the program is left alone for a measurement: that must end by the clock.
        quiet = any(lane.latency.quiet for lane in self.lanes)
        ready, _, _ = select.select(descriptors, [], [], QUIET_TICK_S if quiet else TICK_S)
        if self._bell[0] in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._bell[0], 4096)
            time.sleep(GATHER_S)
        elif ready and self.link is not None:
            # An idle worker says nothing: it has died.
            self._pull(self.link)

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
        lanes = self.lanes
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
        sides = tuple(lane.side for lane in list(self.lanes))
        self._told = len(sides)
        hello = protocol.Hello(os.getpid(), list(sys.path), list(sys.argv), main_module(), sides, self.limit_memory)
        try:
            self.link = Link(hello)
        except (OSError, ValueError) as error:
            self._no_worker(reason("the worker cannot be started", error))

    def _wait(self) -> None:
        """Wait for answers, for room in the pipe, or for a ring, and take what came."""
        link = self.link
        if link is None or self._bell is None:
            return
        reading = [link.answers, self._bell[0]]
        writing = [link.commands] if link.unsent else []
        patience = 0.005 if link.unsent == 0 and len(self.pending) < IN_FLIGHT // 2 else 0.02
        ready, _, _ = select.select(reading, writing, [], patience if self.pending else 0.0)
        if self._bell[0] in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._bell[0], 4096)
        if not link.push() or link.answers in ready:
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
            cause = settle(lane, sample, answer, now)
            if cause is not None:
                self._strike(lane, cause)
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
        place = number - link.settled
        cause = link.end(1.0)
        self.link = None
        pending = self.pending
        self.restarts += 1
        guilty = pending[place] if doing != protocol.IDLE and 0 <= place < len(pending) else None
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
        if guilty is None:
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
            lane.off = lane.off or "the courier has stopped"
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
