"""The splice: a function keeps its identity and its `__code__` is exchanged.

So every name that was bound to it long ago (`from x import y`, callbacks, defaults, subclasses, pickles)
follows a flip, and in legacy mode the original code is back and costs nothing.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import turnout
from exuvia.errors import MigrateError
from exuvia.migrate.dispatch import finding
from exuvia.migrate.dispatch.kinds import COROUTINE, GENERATOR, PLAIN, STREAM, Relay, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["HIDDEN", "TESTED", "Splice", "can_splice", "legacy_copy"]

HIDDEN = "<exuvia importlib._bootstrap>"
"""Begins the name of a trampoline's file: `warnings` and `logging` pass over such frames when they look for the caller
by `stacklevel`. Coverage takes such a name for no file, and `inspect` asks the module's loader for the source."""

TESTED = ((3, 11), (3, 12), (3, 13))
"""The CPython versions on which the splice is tested; elsewhere the object form is used."""


def can_splice() -> bool:
    """Say whether this interpreter is one on which the splice was tested."""
    return sys.implementation.name == "cpython" and sys.version_info[:2] in TESTED


def plain_function(unit: str, found: object, module: str, qualname: str) -> types.FunctionType:
    """Return the function to be spliced, or refuse it with the reason.

    Args:
        unit: The unit's name, for the message.
        found: What the legacy module holds under the name.
        module: The module that the unit names.
        qualname: The name inside the module.

    Returns:
        The function itself: inside of its decorators, if they show it or hold it in a closure.

    Raises:
        MigrateError: If it is compiled, foreign, or patched by someone else.
    """
    if isinstance(found, (staticmethod, classmethod)):
        found = found.__func__
    inside = finding.inner(found, module, qualname)
    if inside is not None:
        return inside
    if isinstance(found, functools._lru_cache_wrapper):
        found = found.__wrapped__
    if not isinstance(found, types.FunctionType):
        raise MigrateError(
            f"unit {unit!r} is a {type(found).__name__}, which has no code to exchange: "
            "name a function, a method or a class that is written in Python"
        )
    if found.__module__ != module:
        raise MigrateError(
            f"unit {unit!r} comes from {found.__module__!r}: name it where it is defined, "
            f"as {found.__module__}:{found.__qualname__}"
        )
    if found.__code__.co_qualname != found.__qualname__:
        raise MigrateError(
            f"unit {unit!r} holds the code of {found.__code__.co_qualname!r}: it is decorated or was patched "
            "by someone else; name the inner function, or take the other patch off first"
        )
    return found


def legacy_copy(function: types.FunctionType) -> types.FunctionType:
    """Make a second function over the original code, globals and closure: what legacy's side calls.

    Args:
        function: The function that will be spliced.
    """
    copy = types.FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__qualname__, copy.__module__, copy.__doc__ = (
        function.__qualname__,
        function.__module__,
        function.__doc__,
    )
    return copy


class Splice:
    """The exchange of one function's code.

    >>> def mean(values): return sum(values) / len(values)
    >>> original, splice = mean.__code__, Splice(mean, lambda values: "from the dispatcher")
    >>> splice.apply(); mean([1.0])
    'from the dispatcher'
    >>> splice.restore(); mean.__code__ is original
    True

    Args:
        function: The function, as `plain_function` returned it.
        target: The callable that the trampoline holds.
        cached: `functools.lru_cache` around it, whose entries `forget` drops.
    """

    def __init__(
        self,
        function: types.FunctionType,
        target: Callable[..., Any],
        cached: Sequence[functools._lru_cache_wrapper[Any]] = (),
    ) -> None:
        self.function = function
        self.original = function.__code__
        self.trampoline = trampoline(function, target)
        self.cached = cached

    def apply(self) -> None:
        """Put the trampoline in place.

        Raises:
            MigrateError: If someone else has exchanged the code since.
        """
        self._exchange(self.trampoline)

    def restore(self) -> None:
        """Put the original code back.

        Raises:
            MigrateError: If someone else has exchanged the code since.
        """
        self._exchange(self.original)

    def _exchange(self, code: types.CodeType) -> None:
        if self.function.__code__ is code:
            return
        if self.function.__code__ not in (self.original, self.trampoline):
            raise MigrateError(
                f"{self.function.__module__}:{self.function.__qualname__} was patched by someone else after "
                "install: exuvia does not fight over a function; take that patch off first"
            )
        self.function.__code__ = code

    def forget(self) -> None:
        """Drop what caches around the function hold: it may be the other side's."""
        for cache in self.cached:
            cache.cache_clear()

    @property
    def foreign(self) -> bool:
        """Whether someone else has exchanged the code."""
        return self.function.__code__ not in (self.original, self.trampoline)


def trampoline(function: types.FunctionType, target: Callable[..., Any]) -> types.CodeType:
    """Compile code of the same signature and free variables that calls `target`, held as a constant.

    Args:
        function: The function whose place it takes.
        target: What it calls with all arguments, defaults filled in.

    Raises:
        MigrateError: If the compiled code would not fit the function's closure.
    """
    code = function.__code__
    kind = kind_of(code)
    held: Any = turnout(target) if kind == PLAIN else None
    turned = held is not None
    if held is None:
        held = (lambda *args, **kwargs: Relay(target(*args, **kwargs))) if kind == STREAM else target
    counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount
    shape, own = _shaped(counts, code.co_flags & _SHAPE, len(code.co_freevars), kind, turned)
    if list(code.co_freevars) != sorted(code.co_freevars):
        raise MigrateError(
            f"{function.__module__}:{function.__qualname__} cannot be spliced: its free variables "
            f"{code.co_freevars} came out as {tuple(sorted(code.co_freevars))}"
        )
    names = code.co_varnames[: len(shape.co_varnames) - len(own)]
    keywords = names[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    for name in own:
        names += (_unused(name, (*names, *code.co_freevars)),)
    return shape.replace(
        co_consts=tuple([held if each is ... else _named(each, keywords) for each in shape.co_consts]),
        co_filename=f"{HIDDEN} {code.co_filename}",
        co_firstlineno=code.co_firstlineno,
        co_freevars=code.co_freevars,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
        co_varnames=names,
    )


def _named(constant: Any, keywords: tuple[str, ...]) -> Any:
    """A constant of a shape, with the function's own keywords in the place of those that stand for them."""
    if isinstance(constant, str):
        return keywords[int(constant[1:])]
    return tuple([_named(each, keywords) for each in constant]) if isinstance(constant, tuple) else constant


_SHAPE = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_ITERABLE_COROUTINE


@functools.lru_cache(maxsize=256)
def _shaped(
    counts: tuple[int, int, int], flags: int, free: int, kind: str, turned: bool
) -> tuple[types.CodeType, tuple[str, ...]]:
    """Compile the trampoline of a shape, under names that stand for those of the functions that have it.

    Args:
        counts: How many parameters have a position, how many of these nothing but that, and how many only a name.
        flags: Those of the function's code that tell the rest.
        free: How many free variables it has.
        kind: What a call of it gives.
        turned: Whether a turnout is held.

    Returns:
        The code, and the names of what the trampoline keeps beside the parameters.
    """
    count, positions, named = counts
    positional = [f"p{number}" for number in range(count)]
    keywords = [f"k{number}" for number in range(named)]
    outside = [f"f{number:03}" for number in range(free)]
    declared, passed = positional.copy(), positional.copy()
    if positions:
        declared.insert(positions, "/")
    if flags & inspect.CO_VARARGS:
        declared.append("*rest")
        passed.append("*rest")
    elif keywords:
        declared.append("*")
    declared += keywords
    passed += [f"{name}={name}" for name in keywords]
    if flags & inspect.CO_VARKEYWORDS:
        declared.append("**others")
        passed.append("**others")
    # The ellipsis stands for what is held. The dead last line makes the free variables those of the function.
    made = "".join(f"  {name} = None\n" for name in outside)
    used = "".join(f"    {name}\n" for name in outside)
    given = ", ".join(passed)
    body = _TURNED if turned else _CALLED.get(kind, "    return {call}\n")
    body = body.format(by=_BY, relay=_RELAY, given=given, call=f"{_CALL}({given})")
    lead = "async " if kind in (COROUTINE, STREAM) else ""
    source = f"def enclosing():\n{made}  {lead}def spliced({', '.join(declared)}):\n{body}{used}  return spliced\n"
    code = _inner(_inner(compile(source, "<exuvia>", "exec", dont_inherit=True)))
    code = code.replace(
        co_flags=code.co_flags | flags & inspect.CO_ITERABLE_COROUTINE,
        co_linetable=_one_line(len(code.co_code) // 2),
    )
    return code, tuple(name for name in code.co_varnames if name in (_BY, _RELAY))


_BY, _RELAY = "_by", "_relay"

# The conditional keeps the compiler from warning that an ellipsis cannot be called.
_CALL = "(... if True else ...)"

# `~` of a turnout is the side that serves. It is called from here and not from C: the interpreter then needs no second
# loop for a function, which is half of what a call through C costs. What is raised is handled outside of the handler,
# so that legacy's own error has no context that it would not have alone. Names are not looked up in the module's
# globals, where any could be another: hence the bare excepts.
_TURNED = """\
    try: return ({by} := ~...)({given})
    except:
        {by} = (...).rescued({by}, {given})
        if {by} is None:
            raise
    return {by}({given})
"""

_CALLED = {
    GENERATOR: "    return (yield from {call})\n",
    COROUTINE: "    return await {call}\n",
    STREAM: """\
    {relay} = {call}
    while await {relay}.step():
        try:
            {relay}.sent = yield {relay}.item
        except:
            {relay}.caught()
    return
""",
}


@functools.lru_cache(maxsize=64)
def _one_line(instructions: int) -> bytes:
    """A table of lines that gives all instructions the first line of the function, which is what a traceback shows.

    Each entry is of the form without columns and stands for up to eight instructions; the lines are apart by nothing
    (CPython's `Objects/locations.md`, the same in 3.11, 3.12 and 3.13).
    """
    table = bytearray()
    while instructions > 0:
        table += bytes((0x80 | _NO_COLUMNS << 3 | min(instructions, 8) - 1, 0))
        instructions -= 8
    return bytes(table)


_NO_COLUMNS = 13


def _unused(name: str, taken: tuple[str, ...]) -> str:
    while name in taken:
        name += "_"
    return name


def _inner(code: types.CodeType) -> types.CodeType:
    return next(constant for constant in code.co_consts if isinstance(constant, types.CodeType))
