"""Defaults that only their identity tells apart: each side gets its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from exuvia.migrate.dispatch.defaults import narrowed
from shadowing import Shadowed, shadowed

if TYPE_CHECKING:
    from typing import Any

__all__ = ["shadowed"]

SOURCE = """
_MISSING = object()
class Missing: ...
HELD = {"EUR": 5}
def position(symbol, default=_MISSING, scale=1):
    if symbol in HELD:
        return HELD[symbol] * scale
    return 0 if default is _MISSING else default
def named(symbol, *, default=Missing):
    return 0 if default is Missing else default
async def fetch(symbol, default=_MISSING):
    return 0 if default is _MISSING else default
class Book:
    def get(self, key, default=_MISSING):
        return (0 if default is _MISSING else default), key
"""


def calls(module: Any) -> list[Any]:
    book = module.Book()
    return [
        module.position("EUR"), module.position("USD"), module.position("USD", 3), module.position("USD", default=4),
        module.position("USD", module._MISSING, 2), module.position("EUR", module._MISSING, 2),
        module.position("EUR", scale=3), module.position("USD", default=module._MISSING),
        module.named("x"), module.named("x", default=1), module.named("x", default=None),
        asyncio.run(module.fetch("x")), asyncio.run(module.fetch("x", 7)), book.get("x"), book.get("x", 9),
    ]  # fmt: skip


@pytest.mark.parametrize("mode", ["shadow", "rust"])
def test_a_default_that_is_only_itself_is_each_sides_own(shadowed: Shadowed, mode: str) -> None:
    shadowed.write(SOURCE, SOURCE)
    before = calls(shadowed.legacy)
    shadowed.install("position", "named", "fetch", "Book.get", mode=mode, more="sample = 0.999999")
    assert calls(shadowed.legacy) == before
    for name, many in (("position", 8), ("named", 3), ("fetch", 2), ("Book.get", 2)):
        counts = shadowed.counts(name)
        assert (counts["differed"], counts["errors"], counts["reasons"]) == (0, 0, {}), (name, counts)
        assert counts["compared"] == (many if mode == "shadow" else counts["compared"]), name


def test_only_where_both_sides_have_such_a_default_something_is_left_out() -> None:
    mine, yours = object(), object()

    def legacy(a, b=mine, /, c=mine, *rest, d=None, **more):  # type: ignore[no-untyped-def]
        return a, b, c, rest, d, more

    def candidate(a, b=yours, /, c=yours, *rest, d=5, **more):  # type: ignore[no-untyped-def]
        return a, b, c, rest, d, more

    call = narrowed(candidate, legacy, candidate)  # type: ignore[arg-type]
    assert call(1, mine, mine, d=None) == (1, yours, yours, (), None, {}), "a None that legacy would use stays"
    assert call(1, 2, mine, d=3) == (1, 2, yours, (), 3, {})
    assert call(1, mine, 2, 3, d=None, e=mine) == (1, mine, 2, (3,), None, {"e": mine}), "what cannot be left out stays"

    def plain(a, b=mine):  # type: ignore[no-untyped-def]
        return a, b

    for other in (plain, lambda a, b: (a, b), len, 3):
        assert narrowed(plain, plain, other) is plain  # type: ignore[arg-type]
