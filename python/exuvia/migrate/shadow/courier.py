"""The courier as the program's threads see it: a lane for each unit, a bell, and how it is let go.

The caller appends a sample to the lane of its unit and, if the courier sleeps, rings once. What the courier does
with it, on a thread of its own, is `carrying`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exuvia.migrate.background import Background
from exuvia.migrate.dispatch.interrupts import is_foreign
from exuvia.migrate.own import os, threading, time
from exuvia.migrate.shadow import protocol
from exuvia.migrate.shadow.carrying import STOPPED, Carrying
from exuvia.migrate.shadow.door import Door
from exuvia.migrate.shadow.lane import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exuvia.migrate.config import Config, UnitConfig
    from exuvia.migrate.evidence.record import Record

__all__ = ["Courier"]


class Courier(Carrying):
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
        self.config, self.records = config, records
        # A signal handler may flush in the middle of the start.
        self._starting = threading.RLock()
        self._opening = threading.RLock()
        self._of_unit: dict[str, list[Lane]] = {}
        super().__init__(quarantine, limit_memory=limit_memory)

    def __del__(self) -> None:
        """Close the bell: not before, since a late ring must not be written into another file."""
        for end in self._bell or ():
            end.close()

    def lane(self, unit: UnitConfig, side: protocol.Side) -> Lane:
        """Open the lane of a unit.

        Args:
            unit: The unit.
            side: What the worker runs for it.
        """
        with self._opening:
            lane = Lane(len(self.lanes), unit, side, self.records[unit.name], self.ring)
            self.lanes.append(lane)
            self._of_unit.setdefault(unit.name, []).append(lane)
        # After it was put among the others: they are told of an end once, and this one may not have been there then.
        if self.broken or self._stopping:
            lane.off = lane.off or self.broken or STOPPED
            lane.gate()
        return lane

    def door(self, unit: UnitConfig, runs: str, names: tuple[str, ...], *, reverse: bool) -> Door:
        """Make the door of a function's lane, which its first observed call opens.

        Args:
            unit: The unit.
            runs: `package.module:name` of what runs in the worker.
            names: Names of legacy's positional parameters.
            reverse: Whether that is legacy, as the candidate serves.
        """
        made = Door(self, unit, self.records[unit.name], runs, names, reverse=reverse)
        self.doors.append(made)
        return made

    def opened(self, door: Door) -> Lane:
        """Open the lane of a function, unless another thread has just done so.

        Args:
            door: Its door.
        """
        with self._opening:
            if door.lane is None:
                unit = door.unit
                side = protocol.Side(
                    unit=unit.name,
                    runs=door.runs,
                    reverse=door.reverse,
                    compare=unit.compare,
                    divergences=unit.divergences,
                    strata=unit.strata,
                    names={"": door.names},
                    memory=unit.memory,
                    record=unit.record,
                )
                door.lane = self.lane(unit, side)
            lane: Lane = door.lane
            return lane

    def start(self) -> None:
        """Start the courier's thread, and by it the worker; the first sample does it too."""
        with self._starting:
            if self.thread is not None or self._stopping:
                return
            if self._bell is None:
                self._open_bell()
            Background(self._run, self._alone)

    def ring(self) -> None:
        """Wake the courier."""
        try:
            if self.thread is None:
                self.start()
            if self._bell is not None:
                os.write(self._bell[1].number(), b"!")
        except (OSError, RuntimeError) as error:
            # A full bell has rung already, and one that the program closed is replaced by the courier; at the
            # interpreter's end no thread starts any more.
            if is_foreign(error):
                raise

    def let_go(self, deadline_s: float) -> None:
        """Take nothing more, and count what waits as dropped before this returns.

        Args:
            deadline_s: Seconds that the courier may take to come to it.
        """
        self._stopping = True
        if self.thread is not None and self.thread.here:
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
        if thread is None or thread.here:
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
        for end in bell or ():
            end.close()
        self._starting, self._opening = threading.RLock(), threading.RLock()
        self._fresh()
        for lane in self.lanes:
            generation = lane.generation
            lane.reset()
            # Twins of the parent's worker are out of step here.
            lane.generation = generation + 1
            lane.asleep = True

    def stats(self) -> dict[str, Any]:
        """Return what the courier has done: by unit what was sent, answered, dropped, and why it is off."""
        self.open_all()
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
        return {"worker": link.pid if link is not None else None, "restarts": self.restarts, "units": units}

    def notes(self, unit: str) -> list[str]:
        """Return what status says of a unit's shadow.

        Args:
            unit: The unit's name.
        """
        mine = self._of_unit.get(unit, ())
        found = [f"shadow off: {lane.off}" for lane in mine if lane.off]
        found += [f"shadow pauses: {lane.pause}" for lane in mine if lane.pause and not lane.off]
        found += [
            f"in the worker, {act}" + (f" ({times:,} times)" if times > 1 else "")
            for lane in mine
            for act, times in list(lane.acts.items())
        ]
        return found

    def _left(self) -> bool:
        return bool(self.pending or self.again or any(lane.samples or lane.flying for lane in self.lanes))
