"""The door of a lane, which is made at the first observed call: most units of a process see none for long.

The worker is told of every unit as it starts: by then all doors are open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.evidence.record import Record
    from exuvia.migrate.shadow.courier import Courier
    from exuvia.migrate.shadow.lane import Lane

__all__ = ["Door"]


class Door:
    """Opens the lane of a function, once.

    Args:
        courier: The way to the worker.
        unit: The unit.
        record: The unit's record.
        runs: `package.module:name` of what runs in the worker.
        names: Names of legacy's positional parameters.
        reverse: Whether that is legacy, as the candidate serves.

    Attributes:
        lane: The lane, once it is open, `None` before.
    """

    __slots__ = ("courier", "lane", "names", "record", "reverse", "runs", "unit")

    def __init__(
        self,
        courier: Courier,
        unit: UnitConfig,
        record: Record,
        runs: str,
        names: tuple[str, ...],
        *,
        reverse: bool,
    ) -> None:
        self.courier, self.unit, self.record = courier, unit, record
        self.runs, self.names, self.reverse = runs, names, reverse
        self.lane: Any = None

    def open(self) -> Lane:
        """Return the lane; whoever comes first makes it."""
        return self.lane or self.courier.opened(self)
