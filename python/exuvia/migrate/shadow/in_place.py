"""Legacy's own class, watched in place: while a unit is observed its methods are patched, and nothing else is there.

So the class stays the program's one and only: its name, `isinstance`, `match`, `except`, subclasses, pickles and
`Class[int]` mean what they always did, and objects carry nothing: which one has which mark is known by address.
Only objects of the very class are followed. One of a subclass goes its own way, and what the class inherits is for it
looked up anew at each call, as if nothing stood in between.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["InPlace", "initialiser", "named"]

T = TypeVar("T")
_INHERITED = object()


class InPlace(Generic[T]):
    """What is put on a class while its objects are followed, and which object has which mark.

    >>> class Book:
    ...     def size(self): return 1
    >>> own = Book.size
    >>> held = InPlace(Book, {"size": lambda self: 2})
    >>> held.apply(); Book().size()
    2
    >>> held.remove(); Book.size is own
    True

    Args:
        cls: The class.
        patches: What takes the place of its members, by name.
    """

    def __init__(self, cls: type, patches: Mapping[str, Any]) -> None:
        self.cls = cls
        self.refusal = ""
        self._foreign: list[str] = []
        self._weak = bool(cls.__weakrefoffset__)
        self._held: dict[int, tuple[T, weakref.ref[Any] | None]] = {}
        self._placed: dict[str, tuple[Any, Any]] = {}
        self._patches = {name: self._layered(name, value) for name, value in patches.items()}
        if not self._weak:
            self._patches["__del__"] = self._finaliser()

    def of(self, self_: object) -> T | None:
        """Return the mark of an object, if it has one.

        Args:
            self_: The object.
        """
        held = self._held.get(id(self_))
        return None if held is None else held[0]

    def keep(self, self_: Any, mark: T) -> None:
        """Give an object a mark until it is gone.

        Args:
            self_: The object, of the very class.
            mark: Its mark.
        """
        key, held = id(self_), self._held
        # A call of C: what a handler raised in a callback of Python would not reach the program.
        held[key] = mark, weakref.ref(self_, functools.partial(held.pop, key)) if self._weak else None

    def forget(self, self_: object) -> None:
        """Take an object's mark away.

        Args:
            self_: The object.
        """
        self._held.pop(id(self_), None)

    def marks(self) -> list[T]:
        """Return the marks of all objects that have one."""
        return [mark for mark, _ in list(self._held.values())]

    @property
    def foreign(self) -> list[str]:
        """The members that the program itself has patched since ours were put there."""
        now = [name for name, (_, value) in self._placed.items() if vars(self.cls).get(name) is not value]
        return [*self._foreign, *now]

    def apply(self) -> None:
        """Put the patches on the class; what cannot be patched is said in `refusal` and stays whole."""
        if self._placed:
            return
        self.refusal, self._foreign = "", []
        # Last of all what gives marks: no call on an object that has one may go by.
        for name in sorted(self._patches, key="__init__".__eq__):
            value = self._patches[name]
            original = vars(self.cls).get(name, _INHERITED)
            try:
                setattr(self.cls, name, value)
            except Exception as error:
                self.refusal = f"its methods cannot be patched, so nothing of it is observed: {error}"
                self.remove()
                return
            self._placed[name] = original, value

    def remove(self) -> None:
        """Take them off again, but for what the program has put in their place since: that is its own."""
        for name, (original, value) in reversed(list(self._placed.items())):
            del self._placed[name]
            if vars(self.cls).get(name) is not value:
                self._foreign.append(name)
            elif original is _INHERITED:
                delattr(self.cls, name)
            else:
                setattr(self.cls, name, original)
        if not self._weak:
            # From here on nobody sees when one is gone.
            self._held.clear()

    def _layered(self, name: str, value: Any) -> Any:
        if name == "__init__" or name in vars(self.cls):
            return value
        member = inspect.getattr_static(self.cls, name)
        return (
            _property(self.cls, name, value) if isinstance(value, property) else _method(self.cls, name, member, value)
        )

    def _finaliser(self) -> Callable[..., None]:
        """Sees the end of objects that have no weak references."""
        held, cls = self._held, self.cls
        own = vars(cls).get("__del__")

        def __del__(self_: Any) -> None:  # noqa: N807 - becomes a method
            held.pop(id(self_), None)
            if own is not None:
                own(self_)
                return
            try:
                following = _next(cls, self_, "__del__")
            except AttributeError:
                return
            following.__get__(self_, type(self_))()

        return __del__


def named(made: Any, cls: type, name: str) -> Any:
    """Tell a property whose it is, as the making of a class does: its own errors say so.

    Args:
        made: What stands in a class; anything but a property is left alone.
        cls: The class.
        name: Its name there.
    """
    if isinstance(made, property):
        known: Any = made
        known.__set_name__(cls, name)
    return made


def initialiser(cls: type, observed: Callable[..., None], passed: Callable[[], None]) -> Callable[..., None]:
    """Make the `__init__` of a class of which new objects are followed.

    Args:
        cls: The class.
        observed: Called for an object of the very class: with what makes it, the object, and its arguments.
        passed: Called for an object of a subclass.
    """
    own = vars(cls).get("__init__")

    def make(self_: Any, *args: Any, **kwargs: Any) -> None:
        following = own if own is not None else _next(cls, self_, "__init__")
        if following is not vars(object)["__init__"]:
            following.__get__(self_, type(self_))(*args, **kwargs)
            return
        # As `object` does it for a class that has no `__init__`: this one has none either, but for ours.
        kind: Any = type(self_)
        if (args or kwargs) and getattr(kind.__init__, "__module__", None) != __name__:
            object.__init__(self_, *args, **kwargs)
        if (args or kwargs) and kind.__new__ is object.__new__:
            raise TypeError(f"{kind.__name__}() takes no arguments")

    def __init__(self_: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - becomes a method
        if type(self_) is cls:
            observed(functools.partial(make, self_), self_, args, kwargs)
        else:
            if isinstance(self_, cls):
                passed()
            make(self_, *args, **kwargs)

    found: Any = inspect.getattr_static(cls, "__init__")
    if inspect.isfunction(found):
        return functools.wraps(found)(__init__)
    if found is vars(object)["__init__"]:
        alone = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
        __init__.__signature__ = inspect.Signature([alone])  # type: ignore[attr-defined]  # read by inspect
    __init__.__qualname__ = getattr(found, "__qualname__", f"{cls.__qualname__}.__init__")
    __init__.__doc__ = found.__doc__
    return __init__


def _next(cls: type, self_: object, name: str) -> Any:
    """What an object's class has under a name after `cls`, in its own order."""
    order = type(self_).__mro__
    for each in order[order.index(cls) + 1 :] if cls in order else cls.__mro__[1:]:
        if name in vars(each):
            return vars(each)[name]
    raise AttributeError(f"{type(self_).__name__!r} object has no attribute {name!r}")


def _method(cls: type, name: str, member: Any, value: Callable[..., Any]) -> Callable[..., Any]:
    """A method that the class inherits, patched for its own objects."""

    def following(self_: Any) -> Callable[..., Any]:
        bound: Callable[..., Any] = _next(cls, self_, name).__get__(self_, type(self_))
        return bound

    if inspect.iscoroutinefunction(member):

        @functools.wraps(member)
        async def awaited(self_: Any, *args: Any, **kwargs: Any) -> Any:
            if type(self_) is cls:
                return await value(self_, *args, **kwargs)
            return await following(self_)(*args, **kwargs)

        return awaited

    @functools.wraps(member)
    def method(self_: Any, *args: Any, **kwargs: Any) -> Any:
        return value(self_, *args, **kwargs) if type(self_) is cls else following(self_)(*args, **kwargs)

    return method


def _property(cls: type, name: str, value: property) -> Any:
    """A property that the class inherits, patched for its own objects."""

    def chosen(self_: Any) -> Any:
        return value if type(self_) is cls else _next(cls, self_, name)

    def read(self_: Any) -> Any:
        return chosen(self_).__get__(self_, type(self_))

    def write(self_: Any, new: Any) -> None:
        chosen(self_).__set__(self_, new)

    def delete(self_: Any) -> None:
        chosen(self_).__delete__(self_)

    if value.fget is not None:
        functools.update_wrapper(read, value.fget)
    return named(property(read, write, delete, value.__doc__), cls, name)
