"""Counts the calls of units while a program runs, what crosses their border, and keeps a few calls for timing.

Functions are counted by exchanging their code, so names bound long ago are counted too; classes by their
methods. Everything is put back at the end.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import sys
import threading
import time
import types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate.dispatch import splice
from exuvia.migrate.worth.border import measure
from exuvia.migrate.worth.stepped import Stepped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

__all__ = ["Counted", "Counting"]

KEPT = 30
MEASURED_EVERY = 64


class _Depth(threading.local):
    """Whether this thread is inside of the unit already: then the outer call is the one that is timed."""

    inside = False


@dataclass(slots=True)
class Counted:
    """What was counted of one unit.

    Attributes:
        calls: Calls of the function, or of all methods of the class.
        bytes: Bytes that cross the border in one call, on average of the measured ones; `None` if none was.
        objects: Objects that cross one by one, the same.
        kept: Arguments of a few calls that did not raise, copied before the call.
        cpu_s: CPU seconds from call to return, by the thread's own clock: samples miss what is short.
        wall_s: Seconds from call to return.
        depth: What each thread is doing in it.
        problem: Why it could not be counted, if it could not.
    """

    calls: int = 0
    bytes: float | None = None
    objects: float | None = None
    kept: list[tuple[tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    problem: str | None = None
    cpu_s: float = 0.0
    wall_s: float = 0.0
    depth: Any = field(default_factory=_Depth, repr=False)
    _measured: int = 0

    def crossed(self, values: Iterable[object]) -> None:
        """Add what one call moved across the border.

        Args:
            values: Arguments and result.
        """
        size = objects = 0
        for value in values:
            more = measure(value)
            size, objects = size + more.bytes, objects + more.objects
        self._measured += 1
        n = self._measured
        self.bytes = (self.bytes or 0.0) + (size - (self.bytes or 0.0)) / n
        self.objects = (self.objects or 0.0) + (objects - (self.objects or 0.0)) / n


class Counting:
    """Counts units while it is entered.

    Args:
        units: Names of functions, methods and classes; their modules are imported.
    """

    def __init__(self, units: Iterable[str]) -> None:
        self.units = {unit: Counted() for unit in units}
        self._undo: list[Callable[[], None]] = []
        self._watched: dict[type, tuple[str | None, Counted]] = {}

    def __enter__(self) -> Self:
        """Begins to count; a unit that cannot be counted says why and is left alone."""
        for unit, counted in self.units.items():
            try:
                self._attach(unit, counted)
            except (MigrateError, ImportError, AttributeError, TypeError) as error:
                counted.problem = str(error)
        return self

    def __exit__(self, *_: object) -> None:
        """Puts every function back."""
        while self._undo:
            with contextlib.suppress(MigrateError):
                self._undo.pop()()

    def _attach(self, unit: str, counted: Counted) -> None:
        module, _, qualname = unit.partition(":")
        found: Any = importlib.import_module(module)
        if not qualname:
            names = [name for name, value in vars(found).items() if isinstance(value, types.BuiltinFunctionType)]
            if not names:
                counted.problem = "of a whole module only compiled functions are counted"
            for name in names:
                self._compiled(found, name, counted)
            return
        holder = found
        for part in qualname.split("."):
            found = inspect.getattr_static(found, part) if isinstance(found, type) else getattr(found, part)
        if isinstance(found, type):
            own = [
                (name, member)
                for name, member in list(vars(found).items())
                if isinstance(member, types.FunctionType) and (name == "__init__" or not name.startswith("__"))
            ]
            for name, member in own:
                setattr(found, name, functools.wraps(member)(_counting(member, counted, keep=False, skip=1)))
                self._undo.append(functools.partial(setattr, found, name, member))
            if not own:
                self._watch(found, None, counted)
            return
        if isinstance(found, types.MethodDescriptorType):
            self._watch(found.__objclass__, found.__name__, counted)
            return
        if isinstance(found, types.BuiltinFunctionType) and isinstance(holder, types.ModuleType):
            self._compiled(holder, qualname, counted)
            return
        if not splice.can_splice():
            counted.problem = "functions are counted by an exchange of code, which was never tested on this Python"
            return
        function = splice.plain_function(unit, found, module, qualname)
        if inspect.isasyncgenfunction(function):
            counted.problem = "the steps of an async generator are not counted"
            return
        exchange = splice.Splice(
            function, _counting(splice.legacy_copy(function), counted, keep="." not in qualname, skip=0)
        )
        exchange.apply()
        self._undo.append(exchange.restore)

    def _watch(self, cls: type, method: str | None, counted: Counted) -> None:
        """Count the calls of a compiled class's methods, as the interpreter tells of them."""
        if sys.getprofile() is not None:
            counted.problem = "its methods are compiled, and another profiler stands where they could be counted"
            return
        self._watched[cls] = (method, counted)
        if len(self._watched) == 1:
            follow = _follower(self._watched)
            threading.setprofile(follow)
            sys.setprofile(follow)
            self._undo += [functools.partial(threading.setprofile, None), functools.partial(sys.setprofile, None)]

    def _compiled(self, module: types.ModuleType, name: str, counted: Counted) -> None:
        """Count and time a compiled function wherever modules hold it by name."""
        original = vars(module)[name]
        wrapper = functools.wraps(original)(_counting(original, counted, keep=False, skip=0))
        for holder in list(sys.modules.values()):
            space = vars(holder) if isinstance(holder, types.ModuleType) else {}
            for key in [key for key, value in list(space.items()) if value is original]:
                space[key] = wrapper
                self._undo.append(functools.partial(space.__setitem__, key, original))


def _follower(watched: dict[type, tuple[str | None, Counted]]) -> Callable[[Any, str, Any], None]:
    """What the interpreter calls at each call and return; it times those of compiled methods of the watched classes."""
    clock, spent, began = time.perf_counter_ns, time.thread_time_ns, threading.local()

    def follow(_frame: Any, event: str, called: Any) -> None:
        if event == "c_call":
            method, counted = watched.get(type(getattr(called, "__self__", None)), (None, None))
            if counted is not None and method in (None, called.__name__):
                counted.calls += 1
                began.call = (counted, called, clock(), spent())
        elif event in ("c_return", "c_exception"):
            counted, known, wall, cpu = getattr(began, "call", (None, None, 0, 0))
            if counted is not None and known == called:
                counted.cpu_s += (spent() - cpu) * 1e-9
                counted.wall_s += (clock() - wall) * 1e-9
                began.call = (None, None, 0, 0)

    return follow


def _counting(function: Any, counted: Counted, *, keep: bool, skip: int) -> Callable[..., Any]:
    from exuvia._exuvia import detached_copy  # noqa: PLC0415 - the command line starts without the extension

    depth = counted.depth
    clock, spent = time.perf_counter_ns, time.thread_time_ns

    def timed(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if depth.inside:
            return function(*args, **kwargs)
        depth.inside = True
        began, cpu = clock(), spent()
        try:
            return function(*args, **kwargs)
        finally:
            counted.cpu_s += (spent() - cpu) * 1e-9
            counted.wall_s += (clock() - began) * 1e-9
            depth.inside = False

    steps = Stepped(counted)
    kind = inspect.unwrap(function)
    awaited, iterated = inspect.iscoroutinefunction(kind), inspect.isgeneratorfunction(kind)

    def call(*args: Any, **kwargs: Any) -> Any:
        counted.calls += 1
        number = counted.calls
        # Each of the first calls, then one of many: all calls of a program are not alike.
        if number > KEPT and number % MEASURED_EVERY:
            made = timed(args, kwargs)
            return steps.awaited(made) if awaited else steps.iterated(made) if iterated else made
        copies = None
        if keep and len(counted.kept) < 2 * KEPT:
            with contextlib.suppress(Exception):
                copies = detached_copy(args)[0], detached_copy(kwargs)[0]
        result = timed(args, kwargs)
        if awaited or iterated:
            # The body has not run yet: its steps are timed as they come.
            if copies is not None:
                counted.kept.append(copies)
            return steps.awaited(result) if awaited else steps.iterated(result)
        if copies is not None:
            counted.kept.append(copies)
        with contextlib.suppress(Exception):
            counted.crossed((*args[skip:], *kwargs.values(), result))
        return result

    return call
