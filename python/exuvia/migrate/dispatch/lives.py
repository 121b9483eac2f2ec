"""Objects of a class unit: how many each side made since install, and which of the candidate's are alive.

A flip acts on new objects only: those made before stay on their side until they are gone.
"""

from __future__ import annotations

import functools
import itertools
import types
import weakref
from typing import TYPE_CHECKING, Any

from exuvia.migrate.shadow.containment import HERE

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia.migrate.shadow.reverse_twin import ReverseTwins

__all__ = ["Lives"]


class Lives:
    """Counts the objects of both sides.

    Args:
        candidate: The candidate class.
    """

    def __init__(self, candidate: type) -> None:
        self.candidate = candidate
        self.known = bool(getattr(candidate, "__weakrefoffset__", 0))
        self.rebase()
        self._unfollowed = False
        self._alive: dict[int, weakref.ref[Any]] = {}

    def rebase(self) -> None:
        """Count from here: a forked child made none of its parent's objects, but has them."""
        self.let_go = 0
        self._made = {side: itertools.count() for side in ("legacy", "candidate", "twinned", "subclassed")}
        self._seen = dict.fromkeys(self._made, 0)

    def made(self, side: str) -> None:
        """Count one object.

        Args:
            side: `legacy` or `candidate`; `twinned` for one of the candidate's that has a legacy twin; `subclassed` for
                one of a subclass of legacy's, which is not observed.
        """
        self._seen[side] = next(self._made[side]) + 1

    def follow(self, made: object) -> None:
        """Count an object of the candidate and follow it until it is gone.

        Args:
            made: The object.
        """
        self.made("candidate")
        if not self.known:
            self._unfollowed = True
            return
        key = id(made)
        # Without a lock: a callback may come in the middle of anything, and one operation on a dict is whole.
        try:
            self._alive[key] = weakref.ref(made, functools.partial(self._alive.pop, key))
        except TypeError:
            self.lose()

    def lose(self) -> None:
        """Say that there may be objects that are not followed: how many are alive is unknown from here on."""
        self.known, self._unfollowed = False, True

    @property
    def alive(self) -> int | None:
        """How many of the candidate's objects are alive, or `None` if it cannot be known."""
        if self.known:
            return len(self._alive)
        return None if self._unfollowed else 0

    def counters(self) -> dict[str, int | None]:
        """Return what a line of counters says of objects."""
        seen = {side: count for side, count in self._seen.items() if count or side != "subclassed"}
        return {**seen, "alive": self.alive, **({"let_go": self.let_go} if self.let_go else {})}

    def initialiser(self, twins: ReverseTwins | None = None) -> Callable[..., None]:
        """Return an `__init__` for the candidate that follows each new object that serves.

        Args:
            twins: Makes the legacy objects beside a share of them.
        """
        lives, candidate = self, self.candidate
        init: Any = candidate.__init__  # type: ignore[misc]  # the class's own, not an object's
        bare = init is vars(object)["__init__"]

        def own(self_: Any, *args: Any, **kwargs: Any) -> None:
            if not bare:
                init(self_, *args, **kwargs)
            elif (args or kwargs) and candidate.__new__ is vars(object)["__new__"]:
                raise TypeError(f"{candidate.__name__}() takes no arguments")

        def __init__(self_: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - becomes a method
            if HERE.contained:
                own(self_, *args, **kwargs)
                return
            lives.follow(self_)
            if twins is None:
                own(self_, *args, **kwargs)
            else:
                twins.made(self_, functools.partial(own, self_), args, kwargs)

        return functools.wraps(init)(__init__) if isinstance(init, types.FunctionType) else __init__
