"""This process's hold on the control page: attached switches, its place in the fleet, and what stands in the way.

Without a page that can be shared the journal is polled, and status says `slow rollback`.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import ControlPage
from exuvia.errors import ConfigError, MigrateError
from exuvia.migrate.dispatch import fleet, page
from exuvia.migrate.modes.writing import keep_room

if TYPE_CHECKING:
    from exuvia._exuvia import Switch
    from exuvia.migrate.config import Config

__all__ = ["Control"]


class Control:
    """The page of a configuration's evidence folder, as one process holds it.

    Args:
        config: The configuration.
        build: Hash of what decides this process's code.
    """

    def __init__(self, config: Config, build: int) -> None:
        self.config, self.build = config, build
        self.slow: str | None = None
        self.broken: str | None = None
        self.page: page.Page | None = None
        self.fleet: fleet.Fleet | None = None
        self._mapped: ControlPage | None = None
        self._attached: set[str] = set()
        self._settled = False

    def open(self) -> None:
        """Rebuild the page from the journal and map it; it never raises."""
        trouble: str | None = None
        try:
            self.page = page.Page(self.config.evidence, lasting=True)
            trouble = page.publish(self.config, held=self.page)
            self._mapped = ControlPage(self.page.mapped)
            self.fleet = fleet.Fleet(self.page, self.build)
        except (MigrateError, ConfigError, OSError, ValueError) as error:
            if self.page is not None:
                self.page.close()
            self.page = None
            foreign = isinstance(error, (page.NotOursError, ConfigError))
            self.broken = str(error) if foreign else None
            self.slow = f"slow rollback, the journal is polled: {error}"
            return
        if trouble is not None:
            self.slow = f"slow rollback, the journal is polled: {trouble}"

    def settle(self) -> None:
        """Do, once, what the program's start does not wait for: the page on the disk, room for an entry on a full one.

        A page that a power cut keeps from the disk is made again from the journal, as a missing one is.
        """
        settled, self._settled = self._settled, True
        if self.page is not None and not settled:
            keep_room(self.config.evidence)
            try:
                self.page.last()
            except OSError as error:
                # One that the program closed stands in memory, and on the disk before long.
                if error.errno != errno.EBADF:
                    self.slow = f"{self.page.path} could not be brought to the disk ({error}): look at the disk"

    def attach(self, unit: str, switch: Switch) -> None:
        """Let a switch read the page at every call.

        Args:
            unit: The unit's name.
            switch: Its switch.
        """
        if self._mapped is not None and switch.attach(self._mapped, unit):
            self._attached.add(unit)

    def check(self) -> bool:
        """See whether the page is still the one in the folder, and whole; else every unit is legacy's.

        Returns:
            Whether it has broken just now.
        """
        if self.page is not None and self.broken is None:
            if self.page.held_size != page.SIZE or (self._mapped is not None and self._mapped.truncated()):
                self.broken = f"{self.page.path} was truncated while it was mapped: legacy until a restart"
            elif not self.page.stands:
                self.broken = f"{self.page.path} is gone or was replaced: legacy until a restart"
            elif not self.page.whole:
                self.broken = f"{self.page.path} is torn: legacy until a restart"
            return self.broken is not None
        return False

    def rebuild(self, build: int) -> None:
        """Say that this process runs another build than it said: the others see it at their next look.

        Args:
            build: Hash of what decides this process's code.
        """
        self.build = build
        if self.fleet is not None:
            self.fleet.build = build

    @property
    def epoch(self) -> int:
        """The last epoch of the page."""
        return 0 if self.page is None else self.page.epoch

    def cap(self, unit: str) -> tuple[str, int] | None:
        """Return mode and epoch of a unit's slot; `None` where no slot is read.

        Args:
            unit: The unit's name.
        """
        if self._mapped is None or unit not in self._attached:
            return None
        return self._mapped.read(unit) or ("legacy", 0)

    def waits_for(self, epoch: int) -> str | None:
        """Say what keeps an epoch from counting, if anything does.

        Args:
            epoch: The epoch.
        """
        return None if self.fleet is None else self.fleet.waits_for(epoch)

    def confirm(self, epoch: int) -> None:
        """Say that this process has taken an epoch up whole, and that it lives.

        Args:
            epoch: The epoch.
        """
        if self.fleet is not None:
            self.fleet.beat(epoch)

    def used(self, unit: str, day: int) -> tuple[int, int] | None:
        """Return what canaries of all processes served of a unit on a day: calls, and amounts in ten-thousandths.

        Args:
            unit: The unit's name.
            day: The day's number.
        """
        return None if self._mapped is None else self._mapped.used(unit, day)

    def notes(self) -> list[str]:
        """Return what should be known of all units of this process."""
        found = [note for note in (self.broken, self.slow) if note is not None]
        held = 0 if self.page is None else self.page.unrecorded
        if held:
            found.append(
                f"a rollback that could not be put on record holds {held} unit{'s' * (held > 1)} in legacy: free space "
                "and run exuvia rollback again"
            )
        if self.fleet is not None:
            known = {member.pid for member in self.fleet.others()}
            lost = fleet.strangers(known)
            if lost:
                pids = ", ".join(map(str, lost))
                found.append(f"process {pids}, started by this one, runs without exuvia: it serves legacy")
        return found

    def after_fork(self) -> None:
        """Take a place of its own in the fleet."""
        if self.fleet is not None:
            self.fleet.join()

    def close(self) -> None:
        """Leave the fleet; switches that are still held keep the mapping."""
        if self.fleet is not None:
            self.fleet.leave()
        held: Any = self.page
        self.page = self.fleet = None
        self._mapped = None
        if held is not None:
            held.close()
