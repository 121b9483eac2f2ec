"""Pickling in the caller's thread that runs no code of the program: it might wait for a lock, or change something.

A class says how it is pickled by functions of its own, `__getstate__` and the like. Run for a sample, in the middle of
a call, they may take a lock that the caller holds, draw a random number, warn, or close what they hand over. So an
object whose class has such a function, outside of the standard library and the installed packages, is not pickled: its
call is not compared, and the reason names the class. `pickling = "run"` says of a unit that they do none of that.

A class is looked at once. The pickler is told by its dispatch table, so that all of a pickle is one call of C.
"""

from __future__ import annotations

import copyreg
import functools
import io
import operator
import site
import sys
import types
from collections import OrderedDict, deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import exuvia
from exuvia._exuvia import attempt
from exuvia.migrate.own import os, pickle
from exuvia.migrate.shadow.packing import PROTOCOL, Hooked, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["guarded", "guarded_attempt", "hooked", "own_packages", "packs"]

CLASSES = 4096
_HOOKS = (
    "__reduce_ex__", "__reduce__", "__getstate__", "__getnewargs_ex__", "__getnewargs__", "__getattribute__",
    "__setstate__",
)  # fmt: skip
"""The last one is run where a recorded call is shown or cleaned of secrets, in the program too."""
_WALKED = ((dict, ("items", "keys", "__iter__")), (OrderedDict, ("items", "keys", "__iter__")))
_ITERATED = (list, set, frozenset, deque)
_COMPILED = (
    types.WrapperDescriptorType, types.MethodDescriptorType, types.BuiltinFunctionType,
    types.ClassMethodDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType, type,
)  # fmt: skip
_PROPERTIES = ("__class__", "__dict__")

_Pickler = pickle.Pickler
_again = operator.methodcaller("__reduce_ex__", PROTOCOL)
"""What the pickler does with an object whose class it finds in no table."""
_projects: set[str] = set()


@functools.cache
def _standard() -> str:
    """The folder of the standard library."""
    return f"{Path(os.__file__).parent}{os.sep}"


@functools.cache
def _installed() -> tuple[str, ...]:
    """The folders of installed packages, and that of exuvia."""
    found = [*site.getsitepackages(), site.getusersitepackages(), str(Path(exuvia.__file__).parent)]
    return tuple(f"{each}{os.sep}" for each in found)


def own_packages(names: Iterable[str]) -> None:
    """Note packages that are the program's, wherever they are installed.

    Args:
        names: Their names; of a dotted one the first part counts.
    """
    _projects.update({name.partition(".")[0] for name in names} - {"exuvia"})
    _TABLE.clear()


def hooked(kind: type) -> str:
    """Return the name of the program's own code that pickling an object of a class would run, or nothing.

    >>> import datetime, decimal
    >>> hooked(decimal.Decimal), hooked(datetime.datetime), hooked(OrderedDict)
    ('', '', '')

    Args:
        kind: The class.
    """
    reduces = copyreg.dispatch_table.get(kind)
    if reduces is not None:
        return "function in copyreg" if _is_own(reduces) else ""
    names = _HOOKS + next((more for base, more in _WALKED if issubclass(kind, base)), ())
    if issubclass(kind, _ITERATED):
        names += ("__iter__",)
    for name in names:
        found = _found(kind, name)
        if found is not None and _is_own(found):
            return name
    for name in _PROPERTIES:
        found = _found(kind, name)
        if isinstance(found, property) and _is_own(found):
            return name
    # Of a slot that is not filled the pickler asks as anybody does.
    asks = _found(kind, "__getattr__")
    return "__getattr__" if asks is not None and _is_own(asks) and _slotted(kind) else ""


def _found(kind: type, name: str) -> Any:
    """What stands under a name in a class or the first of its bases that has it, without running anything."""
    return next((vars(base)[name] for base in type.mro(kind) if name in vars(base)), None)


def _slotted(kind: type) -> bool:
    return any(vars(base).get("__slots__") for base in type.mro(kind))


def _is_own(found: Any) -> bool:
    """Whether what a class has under a hook's name is the program's code."""
    if isinstance(found, staticmethod | classmethod | types.MethodType):
        found = found.__func__
    elif isinstance(found, property):
        found = found.fget
    elif isinstance(found, functools.partial):
        found = found.func
    if isinstance(found, types.FunctionType):
        module, file = str(found.__globals__.get("__name__", "")), found.__code__.co_filename
    elif isinstance(found, _COMPILED) or not (callable(found) or hasattr(type(found), "__get__")):
        # Written in C, or no function at all, which cannot run.
        return False
    else:
        # As Cython makes them: told by their module.
        module = str(getattr(found, "__module__", ""))
        file = str(getattr(sys.modules.get(module), "__file__", ""))
    installed = file.startswith(_installed())
    if installed and module.partition(".")[0] in _projects:
        return True
    return not installed and not file.startswith((_standard(), "<frozen "))


class _Table(dict[type, Any]):
    """How objects of each class are reduced: as always, unless code of the program would run for it."""

    def __missing__(self, kind: type) -> Any:
        if issubclass(kind, type):
            # Classes are pickled by name.
            raise KeyError(kind)
        name = hooked(kind)
        if name:
            raise Hooked(
                f"{kind.__module__}.{kind.__qualname__} has its own {name}, which would run in the program, where it "
                'may wait for a lock or change something: if it does neither, declare pickling = "run"'
            )
        reduces = copyreg.dispatch_table.get(kind, _again)
        if "<locals>" not in kind.__qualname__:
            # Those cannot be pickled, and must not be kept alive.
            if len(self) >= CLASSES:
                self.clear()
            self[kind] = reduces
        return reduces


_TABLE = _Table()


def guarded(value: object) -> bytes:
    """Pickle a value if no code of the program runs for it.

    Args:
        value: Anything.

    Raises:
        Hooked: If some would; nothing of it has run then.
        Exception: What pickling raises.
    """
    file, pickler = _pickler()
    pickler.dump(value)
    return file.getvalue()


def guarded_attempt(value: object) -> bytes | BaseException:
    """Do likewise in one call of C, and return what it raises.

    Args:
        value: Anything.
    """
    file, pickler = _pickler()
    error = attempt(pickler.dump, value)
    return file.getvalue() if error is None else error


def _pickler() -> tuple[io.BytesIO, pickle.Pickler]:
    file = io.BytesIO()
    pickler = _Pickler(file, PROTOCOL)
    pickler.dispatch_table = _TABLE
    return file, pickler


def _run(value: object) -> bytes:
    return pack(value, PROTOCOL)


def packs(pickling: str) -> Callable[[object], bytes]:
    """Return what pickles for a unit.

    Args:
        pickling: What the unit declares.
    """
    return _run if pickling == "run" else guarded
