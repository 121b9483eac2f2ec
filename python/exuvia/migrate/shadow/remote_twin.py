"""Legacy serves, its twins are in the worker: an object of legacy has a mark, and a candidate object follows it.

In shadow, and in a canary for the objects that are legacy's, by patches on legacy's own class.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from exuvia.migrate.own import threading
from exuvia.migrate.shadow import protocol
from exuvia.migrate.shadow.containment import HERE, passed_by
from exuvia.migrate.shadow.following import Following, Mark
from exuvia.migrate.shadow.in_place import InPlace
from exuvia.migrate.shadow.observe import kind_of
from exuvia.migrate.shadow.open_calls import open_method
from exuvia.migrate.shadow.twin import TwinMaker

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Iterator, Mapping

    from exuvia._exuvia import Switch
    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.evidence.record import Record
    from exuvia.migrate.shadow.courier import Courier

__all__ = ["RemoteTwinMaker"]


class RemoteTwinMaker(TwinMaker):
    """Observes the objects of a legacy class in place; their twins are in the worker.

    Args:
        unit: The unit.
        sides: The legacy class and what replaces it.
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
        self.legacy, self.candidate = sides
        self.switch, self.record = switch, record
        init: Any = self.legacy.__init__  # type: ignore[misc]  # the class's own, not an object's
        self.following = Following(
            unit,
            sides,
            {**members, "__init__": init},
            shares={"shadow": unit.sample, "canary": unit.sample},
            numbers=numbers,
            switch=switch,
            record=record,
            courier=courier,
            reverse=False,
        )
        self.held: InPlace[Mark] = InPlace(self.legacy, self._patches(members))

    def leave(self) -> None:
        """Note that the unit leaves the modes that observe."""
        self.following.leave()

    def _made(self, legacy: Callable[..., None], self_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.switch.mode != "canary":
            # There it is counted where the side is chosen.
            self.switch.count(legacy=1)
        following, known = self.following, self.held.of(self_)
        if self.record.lives is not None and not HERE.contained and known is None:
            self.record.lives.made("legacy")
        within = known is not None and known.owner == threading.get_ident()
        if HERE.contained or within or passed_by(self.record) or not following.chosen():
            legacy(*args, **kwargs)
            if not within:
                self.held.forget(self_)
            return
        mark = following.marked()
        try:
            following.made(self_, legacy, (args, kwargs), mark)
        finally:
            self.held.keep(self_, mark)

    def _method(self, name: str, function: types.FunctionType) -> Callable[..., Any]:
        kind = kind_of(function)
        if kind != "plain":
            return open_method(self.following, kind, name, function, self._counted)

        @functools.wraps(function)
        def method(self_: Any, *args: Any, **kwargs: Any) -> Any:
            self.switch.count(legacy=1)
            mark = self._mark(self_)
            if mark is None:
                return function(self_, *args, **kwargs)
            call = protocol.METHOD, name, mark, functools.partial(function, self_), self_
            return self.following.called(call, args, kwargs)

        return method

    def _property(self, name: str, member: property) -> property:
        def read(self_: Any) -> Any:
            self.switch.count(legacy=1)
            mark, getter = self._mark(self_), functools.partial(_not_none(member.fget), self_)
            if mark is None:
                return getter()
            return self.following.called((protocol.GET, name, mark, getter, self_), (), {})

        def write(self_: Any, value: Any) -> None:
            self.switch.count(legacy=1)
            mark, setter = self._mark(self_), functools.partial(_not_none(member.fset), self_)
            if mark is None:
                setter(value)
            else:
                self.following.called((protocol.SET, name, mark, setter, self_), (value,), {})

        def delete(self_: Any) -> None:
            self.switch.count(legacy=1)
            mark, deleter = self._mark(self_), functools.partial(_not_none(member.fdel), self_)
            if mark is None:
                deleter()
            else:
                self.following.called((protocol.DELETE, name, mark, deleter, self_), (), {})

        if member.fget is not None:
            functools.update_wrapper(read, member.fget)
        return property(
            read if member.fget else None,
            write if member.fset else None,
            delete if member.fdel else None,
            member.__doc__,
        )

    def _counted(self, self_: Any) -> Mark | None:
        self.switch.count(legacy=1)
        return self._mark(self_)

    def _mark(self, self_: Any) -> Mark | None:
        """The mark, if this call is to be observed."""
        mark = self.held.of(self_)
        return mark if mark is not None and self.following.observes(mark) else None


def _not_none(function: Any) -> Callable[..., Any]:
    found: Callable[..., Any] = function
    return found
