"""Twins: in shadow an object of a class unit carries the candidate's object beside it, and nobody notices."""

from __future__ import annotations

import pickle

import exuvia.migrate
import pytest
from moult import Project, project

__all__ = ["project"]


def test_a_twin_follows_each_object_and_equal_classes_pass(project: Project) -> None:
    project.install("Book", more='attributes = ["seen"]')
    assert project.user.book() == [1, 2, 2, 2]
    book = project.user.Book()
    assert isinstance(book, project.legacy.Book)
    assert book.me() is book
    with pytest.raises(KeyError):
        book.fail("x")
    book.add("a")
    book.last = "b"
    assert book.last == "b"
    state = project.status("Book")
    assert (state.verdict, state.places) == ("PASS", {})
    assert state.counts["compared"] >= 10
    assert not any("rebound" in note for note in state.notes)
    exuvia.migrate.set_mode(project.unit("Book"), "rust")
    assert project.status("Book").notes[0] == f"also rebound in {project.user_name}.Book"


def test_the_first_difference_of_an_object_counts_and_later_ones_are_cascade(project: Project) -> None:
    project.install("Book")
    book = project.user.Book()
    assert book.add("bad") == 1
    for _ in range(3):
        book.add("bad")
    state = project.status("Book")
    assert (state.counts["differed"], state.counts["cascades"]) == (1, 3)
    assert state.places == {("add: $", "value"): 1}
    other = project.user.Book()
    other.add("bad")
    assert project.status("Book").counts["differed"] == 2


def test_a_candidate_class_that_cannot_be_built_never_reaches_the_caller(project: Project) -> None:
    project.install("Book", candidate="Broken")
    assert project.user.book() == [1, 2, 2, 2]
    state = project.status("Book")
    assert state.places == {("__init__: $", "exception"): 1}
    assert state.counts["compared"] == 1


def test_rules_of_a_method_hold_for_that_method(project: Project) -> None:
    project.install("Book", more='compare = { "add:$" = "ignore(ana, off by design)" }')
    book = project.user.Book()
    book.add("bad")
    assert book.inner() == 1
    state = project.status("Book")
    assert state.verdict == "PASS"
    assert state.ignored == {("$", "ignore(ana, off by design)"): 1}


def test_twins_pickle_and_copy_as_their_class_does(project: Project) -> None:
    project.install("Book", "Frozen")
    book = project.user.Book()
    book.add(1)
    again = pickle.loads(pickle.dumps(book))
    assert (again.seen, again.rows, type(again)) == (1, [1], project.legacy.Book)
    again.add(2)
    assert vars(book) == {"seen": 1, "rows": [1]}
    assert project.status("Book").verdict == "PASS"
    frozen = project.legacy.Frozen(4)
    assert frozen.twice() == 8
    assert pickle.loads(pickle.dumps(frozen)).x == 4
    exuvia.migrate.set_mode(project.unit("Book"), "legacy")
    assert pickle.loads(pickle.dumps(book)).seen == 1
