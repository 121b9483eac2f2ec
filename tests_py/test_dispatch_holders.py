"""What still holds a class that a flip has replaced by name is said, place by place."""

from __future__ import annotations

import exuvia.migrate
from exuvia.migrate import runtime
from shadowing import Shadowed, shadowed

__all__ = ["shadowed"]

SOURCE = """
import functools
class Book:
    def __init__(self, start=0):
        self.n = start
    def add(self, x):
        self.n += x
        return self.n
    def kind(self):
        return __class__.__name__
class Desk:
    def __init__(self):
        self.factory = Book
"""
HELD = """
BOOKS = {"eur": Book}
LISTED = [int, Book]
NESTED = {"fx": {"eur": Book}}
PAIR = (Book, 1)
PARTIAL = functools.partial(Book, 3)
def make(cls=Book):
    return cls()
def closing():
    held = Book
    def inner():
        return held()
    return inner
INNER = closing()
@functools.singledispatch
def shown(value):
    return "?"
@shown.register(Book)
def _(value):
    return "book"
desk = Desk()
books = [Book(n) for n in range(3)]
"""


def test_what_a_flip_of_a_class_does_not_reach_is_named(shadowed: Shadowed) -> None:
    shadowed.write(SOURCE + HELD, SOURCE)
    shadowed.install("Book")
    assert not [note for note in runtime.status()[0].notes if "still held" in note]
    name = shadowed.legacy_name
    exuvia.migrate.set_mode(f"{name}:Book", "rust")
    [note] = [note for note in runtime.status()[0].notes if "still held" in note]
    told = note.partition(" by ")[2].removesuffix(": look there").split(", ")
    assert told == [
        f"a closure of {name}.closing.<locals>.inner",
        f"a default of {name}.make",
        f"a dict in {name}.NESTED",
        "a table of functools.singledispatch",
        f"an attribute of {name}.desk",
        f"the dict {name}.BOOKS",
        f"the list {name}.LISTED",
        f"the partial {name}.PARTIAL",
        f"the tuple {name}.PAIR",
    ]


def test_of_a_class_that_only_modules_hold_nothing_is_said(shadowed: Shadowed) -> None:
    shadowed.write(SOURCE.partition("class Desk")[0], SOURCE)
    shadowed.install("Book")
    shadowed.legacy.Book().add(1)
    exuvia.migrate.set_mode(f"{shadowed.legacy_name}:Book", "rust")
    assert not [note for note in runtime.status()[0].notes if "still held" in note], runtime.status()[0].notes
