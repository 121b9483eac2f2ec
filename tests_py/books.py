"""Books for the tests of twins: a class with state, one that answers wrongly once, one that is made from a state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from shadowing import Shadowed

__all__ = ["BAD", "BOOK", "TAKES", "compared_in_order"]

BOOK = """
class Book:
    def __init__(self, start=0):
        self.seen = start
        self.rows = []
    def add(self, row):
        self.seen += 1
        self.rows.append(row)
        return self.total()
    def total(self):
        return self.seen
    def fail(self, x):
        raise KeyError(x)
    def me(self):
        return self
    @property
    def last(self):
        return self.rows[-1] if self.rows else None
    @last.setter
    def last(self, row):
        self.rows[-1] = row
    def __len__(self):
        return self.seen
    def wait(self, gate=None):
        return None
"""
BAD = BOOK.replace("return self.total()", "return -1 if row == 'bad' else self.total()")
TAKES = (
    BAD
    + """
    def export_state(self):
        return self.seen, list(self.rows)
    @classmethod
    def import_state(cls, state):
        made = cls()
        made.seen, made.rows = state[0], list(state[1])
        return made
"""
)


def compared_in_order(shadowed: Shadowed, books: list[Any]) -> dict[str, Any]:
    """Five books, used in turns in every way; each call is compared and none differs. Returns the unit's counts."""
    for step in range(20):
        for n, book in enumerate(books):
            assert book.add((step, n)) == n + step + 1
    for book in books:
        book.last = "x"
        assert book.last == "x"
        assert len(book) > 0
        assert book.me() is book
        with pytest.raises(KeyError):
            book.fail(3)
    counts = shadowed.counts("Book")
    assert (counts["compared"], counts["differed"], counts["skipped"], counts["errors"]) == (130, 0, 0, 0), counts
    return counts
