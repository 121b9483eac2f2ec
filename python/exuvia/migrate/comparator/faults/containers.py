"""Faults of lists, tuples, dicts, sets and records."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from exuvia.migrate.comparator.faults.fault import fault, need
from exuvia.migrate.comparator.sites import names_of

if TYPE_CHECKING:
    import random

__all__: list[str] = []


@fault("an item dropped", list)
def _dropped(rng: random.Random, value: list[Any]) -> list[Any]:
    need(value)
    at = rng.randrange(len(value))
    return value[:at] + value[at + 1 :]


@fault("an item twice", list)
def _twice(rng: random.Random, value: list[Any]) -> list[Any]:
    need(value)
    at = rng.randrange(len(value))
    return [*value[: at + 1], *value[at:]]


@fault("two neighbours swapped", list)
def _neighbours(rng: random.Random, value: list[Any]) -> list[Any]:
    need(len(value) > 1)
    at = rng.randrange(len(value) - 1)
    return [*value[:at], value[at + 1], value[at], *value[at + 2 :]]


@fault("a list turned round", list)
def _round(_: random.Random, value: list[Any]) -> list[Any]:
    return value[::-1]


@fault("a tuple for a list", list)
def _tuple_for_list(_: random.Random, value: list[Any]) -> tuple[Any, ...]:
    return tuple(value)


@fault("an empty list", list)
def _emptied(_: random.Random, value: list[Any]) -> list[Any]:
    need(value)
    return []


@fault("a list for a tuple", tuple)
def _list_for_tuple(_: random.Random, value: tuple[Any, ...]) -> list[Any]:
    return list(value)


@fault("a tuple cut short", tuple)
def _short(_: random.Random, value: tuple[Any, ...]) -> tuple[Any, ...]:
    need(value)
    return value[:-1]


@fault("a field gone", dict)
def _gone(rng: random.Random, value: dict[Any, Any]) -> dict[Any, Any]:
    need(value)
    lost = rng.choice(list(value))
    return {key: inner for key, inner in value.items() if key is not lost}


@fault("a field more", dict)
def _more(_: random.Random, value: dict[Any, Any]) -> dict[Any, Any]:
    return {**value, "unheard of": 1}


@fault("a field by another name", dict)
def _renamed(rng: random.Random, value: dict[Any, Any]) -> dict[Any, Any]:
    need(value)
    old = rng.choice(list(value))
    return {(f"{key}_" if key is old else key): inner for key, inner in value.items()}


@fault("two values swapped", dict)
def _swapped(rng: random.Random, value: dict[Any, Any]) -> dict[Any, Any]:
    need(len(value) > 1)
    one, two = rng.sample(list(value), 2)
    return {**value, one: value[two], two: value[one]}


@fault("a member gone", set, frozenset)
def _member_gone(rng: random.Random, value: set[Any]) -> set[Any]:
    need(value)
    return value - {rng.choice(sorted(value, key=repr))}


@fault("a member more", set, frozenset)
def _member_more(_: random.Random, value: set[Any]) -> set[Any]:
    return value | {"unheard of"}


@fault("a list for a set", set, frozenset)
def _list_for_set(_: random.Random, value: set[Any]) -> list[Any]:
    return sorted(value, key=repr)


@fault("two fields of a record swapped")
def _fields(rng: random.Random, value: Any) -> Any:
    names = names_of(value)
    pairs = [
        (one, two)
        for at, one in enumerate(names)
        for two in names[at + 1 :]
        if type(getattr(value, one)) is type(getattr(value, two)) and getattr(value, one) != getattr(value, two)
    ]
    need(pairs)
    one, two = rng.choice(pairs)
    return _with(value, {one: getattr(value, two), two: getattr(value, one)})


@fault("a dict for a record")
def _dict_for_record(_: random.Random, value: Any) -> dict[str, Any]:
    names = names_of(value)
    need(names)
    return {name: getattr(value, name) for name in names}


@fault("a record of another class", fine=True)
def _another_class(_: random.Random, value: Any) -> SimpleNamespace:
    names = names_of(value)
    need(names)
    return SimpleNamespace(**{name: getattr(value, name) for name in names})


def _with(value: Any, changed: dict[str, Any]) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        made = object.__new__(type(value))
        for name in names_of(value):
            object.__setattr__(made, name, changed.get(name, getattr(value, name)))
        return made
    return value._replace(**changed)


@fault("None for a whole value", list, dict, tuple)
def _none_for_all(_: random.Random, __: Any) -> None:
    return None
