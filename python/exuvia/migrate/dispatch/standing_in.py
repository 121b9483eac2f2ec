"""What stands for a legacy class while its candidate serves, and of which classes nothing can.

In legacy and shadow nothing stands for a class: it is the program's own. In rust the candidate takes its name, in a
canary a class that chooses. Neither can be what legacy's class was to code that asks for its subclasses or catches it.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Generic, Protocol

if TYPE_CHECKING:
    from exuvia._exuvia import Switch

__all__ = ["below", "chooser", "refusals"]

_TYPING = (object, Generic, Protocol)


def refusals(legacy: type, candidate: type, own: type | None = None) -> list[str]:
    """Return why the candidate cannot take the place of a legacy class; nothing if it can.

    >>> refusals(KeyError, dict)[0].startswith("it is an exception")
    True

    Args:
        legacy: The legacy class.
        candidate: What is to replace it.
        own: A class of ours that stands for it now.
    """
    name, found = legacy.__qualname__, []
    if issubclass(legacy, BaseException):
        found.append(f"it is an exception: `except {name}` would no longer catch what legacy's own code raises")
    if issubclass(legacy, enum.Enum):
        found.append("it is an Enum: its members were made with it, and `is` would tell them from the candidate's")
    elif type(legacy) is not type and not issubclass(type(candidate), type(legacy)):
        found.append(f"its metaclass {type(legacy).__qualname__} is not the candidate's")
    hooks = [each.__qualname__ for each in legacy.__mro__ if each not in _TYPING and "__init_subclass__" in vars(each)]
    if hooks:
        found.append(f"{hooks[0]}.__init_subclass__ hears of every subclass, also of one that stands in")
    if hasattr(legacy, "__class_getitem__") and not hasattr(candidate, "__class_getitem__"):
        found.append(f"{name}[...] is written of it, and the candidate takes no subscript")
    children = sorted({child.__qualname__ for child in below(legacy, candidate, own)})
    if children:
        found.append(
            f"{', '.join(children[:5])}{', ...' if len(children) > 5 else ''} would stay subclasses of legacy's class: "
            f"isinstance and `match` with {name} would not know their objects"
        )
    return found


def below(legacy: type, candidate: type, own: type | None = None) -> list[type]:
    """Return the program's subclasses of a legacy class that are none of the candidate.

    Args:
        legacy: The legacy class.
        candidate: What replaces it.
        own: A class of ours that stands for it now.
    """
    found: list[type] = []
    level: list[type] = [legacy]
    while level:
        children: list[type] = []
        for each in level:
            children += type.__subclasses__(each)
        level = [child for child in children if child not in found and not type.__subclasscheck__(candidate, child)]
        found += level
    return [child for child in found if child is not own]


def chooser(legacy: type, candidate: type, switch: Switch) -> type:
    """Make the class that stands in a canary: each new object's key says of which side it is.

    It is a subclass of legacy, so that subclasses of it are legacy's, and objects of both sides are its own.

    Args:
        legacy: The legacy class.
        candidate: What replaces it.
        switch: The unit's switch.
    """
    kind = type(legacy)

    def __call__(cls: type, *args: Any, **kwargs: Any) -> Any:  # noqa: N807 - becomes a method
        return switch.callable(*args, **kwargs) if cls is made else kind.__call__(cls, *args, **kwargs)

    def __instancecheck__(cls: type, instance: object) -> bool:  # noqa: N807 - becomes a method
        return isinstance(instance, (legacy, candidate)) if cls is made else kind.__instancecheck__(cls, instance)

    def __subclasscheck__(cls: type, other: type) -> bool:  # noqa: N807 - becomes a method
        return issubclass(other, (legacy, candidate)) if cls is made else kind.__subclasscheck__(cls, other)

    space = {"__module__": legacy.__module__, "__qualname__": legacy.__qualname__, "__doc__": legacy.__doc__}
    methods = {"__call__": __call__, "__instancecheck__": __instancecheck__, "__subclasscheck__": __subclasscheck__}
    slots = {"__slots__": ()} if legacy.__itemsize__ == 0 else {}
    made: type = type(kind.__name__, (kind,), methods)(legacy.__name__, (legacy,), {**space, **slots})
    return made
