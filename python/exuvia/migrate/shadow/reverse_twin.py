"""The candidate serves, its twins are in the worker: beside a share of its live objects runs a legacy object.

In rust, and in a canary for the objects that are the candidate's. The object keeps its class and carries nothing:
the methods of the candidate are patched while it serves, and the switch knows by address whose calls are followed.
Legacy dying in the worker is a sample lost and accuses nobody.
"""

from __future__ import annotations

import functools
import types
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exuvia.migrate.dispatch.seams import share_in_rust
from exuvia.migrate.own import monotonic
from exuvia.migrate.shadow import protocol
from exuvia.migrate.shadow.containment import passed_by
from exuvia.migrate.shadow.following import Following, Mark
from exuvia.migrate.shadow.open_calls import open_method

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exuvia._exuvia import Switch
    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.evidence.record import Record
    from exuvia.migrate.shadow.courier import Courier

__all__ = ["ReverseTwins"]

CALLS = 10_000
"""Calls of one object in rust after which its rate is looked at."""
A_SECOND = 20
"""Compared calls a second that an object may go on with, as a function may."""
"""The clock; a test may replace it."""


@dataclass(slots=True)
class _Held:
    """An object that is followed: its mark, what sees it go, its calls in rust and since when they are counted."""

    mark: Mark
    alive: tuple[weakref.ref[Any], ...]
    calls: int = 0
    since: float = 0.0


class ReverseTwins:
    """Legacy objects beside live objects of the candidate.

    Args:
        unit: The unit.
        sides: The legacy class and the candidate that serves.
        members: What `observable` returned.
        numbers: Numbers of twins, for both directions.
        switch: The unit's switch.
        record: The unit's record.
        courier: The way to the worker.
    """

    def __init__(
        self,
        unit: UnitConfig,
        sides: tuple[type, type],
        members: Mapping[str, Any],
        *,
        numbers: Iterator[int],
        switch: Switch,
        record: Record,
        courier: Courier,
    ) -> None:
        legacy, self.candidate = sides
        self.switch, self.record = switch, record
        init: Any = legacy.__init__  # type: ignore[misc]  # the class's own, not an object's
        self.following = Following(
            unit,
            (self.candidate, legacy),
            {**members, "__init__": init},
            shares={"canary": unit.sample, "rust": share_in_rust(unit)},
            numbers=numbers,
            switch=switch,
            record=record,
            courier=courier,
            reverse=True,
        )
        self._marks: dict[int, _Held] = {}
        self._wanting = False

    @staticmethod
    def refusal(candidate: type) -> str | None:
        """Say why objects of a candidate cannot be followed, if they cannot.

        >>> "weakref" in (ReverseTwins.refusal(int) or "")
        True

        Args:
            candidate: The class.
        """
        if candidate.__weakrefoffset__:
            return None
        return (
            f"objects of {candidate.__qualname__} have no weak references, so that exuvia could not see when one is "
            "gone: write #[pyclass(weakref)], or '__weakref__' into __slots__"
        )

    def leave(self) -> None:
        """Note that the unit leaves the modes that observe."""
        self.following.leave()

    def made(self, self_: Any, own: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Have an object of the candidate made, and follow it if it is one of the share.

        Args:
            self_: The object, not yet made.
            own: What makes it.
            args: Positional arguments.
            kwargs: Keyword arguments.
        """
        if (
            type(self_) is not self.candidate
            or passed_by(self.record)
            or not (self.following.chosen() or self._wanting)
        ):
            own(*args, **kwargs)
            return
        if self.record.lives is not None:
            self.record.lives.made("twinned")
        self._wanting = False
        mark, key = self.following.marked(), id(self_)

        # Both are calls of C: what a handler raised in a callback of Python would not reach the program.
        unwatched = weakref.ref(self_, functools.partial(self.switch.unwatch, key))
        forgotten = weakref.ref(self_, functools.partial(self._marks.pop, key))
        self._marks[key] = _Held(mark, (unwatched, forgotten), since=monotonic())
        self.switch.watch(key)
        self.following.made(self_, own, (args, kwargs), mark)

    def method(self, name: str, kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return what serves a method's calls on the objects that are followed.

        Args:
            name: The method.
            kind: What legacy's is: `plain`, `async`, `generator` or `async generator`.
            function: The candidate's own.
        """
        if kind == "plain":
            return self._observer(protocol.METHOD, name, function)
        return open_method(self.following, kind, name, function, self._mark)

    def property(self, name: str, found: Any) -> Any:
        """Return a property that counts its calls and has those on followed objects observed.

        Args:
            name: The property.
            found: The candidate's own: a property, or a descriptor written in C.

        Returns:
            It, or `None` for what is no descriptor of data: nothing can follow that.
        """
        if isinstance(found, property):
            sides = found.fget, found.fset, found.fdel
        elif isinstance(found, (types.GetSetDescriptorType, types.MemberDescriptorType)):
            sides = found.__get__, found.__set__, found.__delete__
        else:
            return None
        get, put, delete = sides
        counted = self.switch.counted
        return property(
            counted(get, self._observer(protocol.GET, name, get)) if get else None,
            counted(put, self._observer(protocol.SET, name, put)) if put else None,
            counted(delete, self._observer(protocol.DELETE, name, delete)) if delete else None,
            found.__doc__,
        )

    def _mark(self, self_: Any) -> Mark | None:
        known = self._marks.get(id(self_))
        if known is None or not self.following.observes(known.mark):
            return None
        known.calls += 1
        return None if known.calls > CALLS and self._lets_go(id(self_), known) else known.mark

    def _lets_go(self, key: int, held: _Held) -> bool:
        """Let go of an object in rust that is called all the time: it would never be faster than what it replaced.

        The next object that is made is followed in its stead.
        """
        now = monotonic()
        if self.switch.mode != "rust" or held.calls <= A_SECOND * (now - held.since):
            held.calls, held.since = 0, now
            return False
        self.switch.unwatch(key)
        self._marks.pop(key, None)
        self._wanting = True
        if self.record.lives is not None:
            self.record.lives.let_go += 1
        return True

    def _observer(self, kind: int, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        following = self.following

        def observed(self_: Any, *args: Any, **kwargs: Any) -> Any:
            mark = self._mark(self_)
            if mark is None:
                return function(self_, *args, **kwargs)
            return following.called((kind, name, mark, functools.partial(function, self_), self_), args, kwargs)

        return observed
