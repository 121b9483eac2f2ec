"""Places inside of a value, and the value with another one there: the self-test's own walk.

Nothing here knows the comparator; paths are written as its documentation says, by code of their own. A value is
never changed in place: containers on the way are made anew, so frozen records and tuples have places as well.
"""

from __future__ import annotations

import copy
import enum
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Site", "names_of", "replaced", "sites"]

DEEPEST = 40


@dataclass(frozen=True, slots=True)
class Site:
    """A place in a value.

    Attributes:
        path: Where, `$.fills[3].price`.
        place: The same with every index as `[*]`.
        way: The steps: how to step, and by what.
        value: What is there.
    """

    path: str
    place: str
    way: tuple[tuple[str, Any], ...]
    value: Any


def sites(value: Any, root: str = "$") -> list[Site]:
    """List all places of a value, the value itself first.

    >>> [site.path for site in sites({"fills": [{"price": 1.1}], 7: (True,)})]
    ['$', '$.fills', '$.fills[0]', '$.fills[0].price', '$[7]', '$[7][0]']

    Args:
        value: Any value.
        root: What paths start with.
    """
    return list(_walk(Site(root, root, (), value), 0))


def _walk(site: Site, depth: int) -> Iterator[Site]:
    yield site
    if depth >= DEEPEST:
        return
    for step, text, place, inner in _inside(site.value):
        yield from _walk(Site(site.path + text, site.place + place, (*site.way, step), inner), depth + 1)


def _inside(value: Any) -> Iterator[tuple[tuple[str, Any], str, str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if type(key) is str:
                text = _named(key)
                yield ("key", key), text, text, inner
            elif type(key) is int and key >= 0:
                yield ("key", key), f"[{key}]", "[*]", inner
    elif isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        for at, inner in enumerate(value):
            yield ("item", at), f"[{at}]", "[*]", inner
    else:
        for name in names_of(value):
            text = _named(name)
            yield ("field", name), text, text, getattr(value, name)


def _named(name: str) -> str:
    plain = name != "" and all(letter == "_" or (letter.isascii() and letter.isalnum()) for letter in name)
    return f".{name}" if plain else f'["{name}"]'


def names_of(value: Any) -> list[str]:
    """Return the field names of a record, a dataclass or a named tuple; of anything else there are none.

    Args:
        value: Any value.
    """
    if isinstance(value, (type, enum.Enum, BaseException)):
        return []
    if is_dataclass(value):
        return [field.name for field in fields(value)]
    return list(getattr(value, "_fields", ())) if isinstance(value, tuple) else []


def replaced(value: Any, way: tuple[tuple[str, Any], ...], new: Any) -> Any:
    """Return the value with another one at the end of a way; the value given stays as it is.

    >>> replaced({"fills": [{"price": 1.1}]}, (("key", "fills"), ("item", 0), ("key", "price")), 1.2)
    {'fills': [{'price': 1.2}]}

    Args:
        value: The whole value.
        way: The steps to the place.
        new: What shall be there.
    """
    if not way:
        return new
    (how, by), rest = way[0], way[1:]
    if how == "key":
        made = copy.copy(value)
        made[by] = replaced(value[by], rest, new)
        return made
    if how == "item":
        items = list(value)
        items[by] = replaced(items[by], rest, new)
        return items if isinstance(value, list) else tuple(items)
    inner = replaced(getattr(value, by), rest, new)
    if isinstance(value, tuple):
        return value._replace(**{by: inner})  # type: ignore[attr-defined]  # a namedtuple
    made = copy.copy(value)
    object.__setattr__(made, by, inner)
    return made
