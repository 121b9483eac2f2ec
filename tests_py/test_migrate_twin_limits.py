"""Where a twin ends: threads, Ctrl-C, what cannot be copied or read; the object itself goes on as legacy's."""

from __future__ import annotations

import copy
import pickle
import signal
import threading
from typing import Any

import exuvia.migrate
import pytest
from moult import Project, project

__all__ = ["project"]


def test_two_threads_in_one_object_end_its_observation_and_are_no_difference(project: Project) -> None:
    project.install("Slow", more='attributes = ["n"]')
    slow = project.legacy.Slow()
    served: list[int] = []
    worker = threading.Thread(target=lambda: served.append(slow.wait()))
    worker.start()
    assert project.legacy.entered.wait(20)
    assert slow.poke() == 2
    project.legacy.go.set()
    worker.join(20)
    assert served == [1]
    state = project.status("Slow")
    assert (state.verdict, state.places) == ("INCONCLUSIVE", {})
    assert state.reasons == {"poke: called by two threads at once": 1, "wait: called by two threads at once": 1}
    compared = state.counts["compared"]
    assert slow.poke() == 2
    assert project.status("Slow").counts["compared"] == compared
    assert project.legacy.Slow().poke() == 2
    assert project.status("Slow").counts["compared"] == compared + 2


def test_a_ctrl_c_in_the_candidates_half_of_a_call_reaches_the_program_and_ends_that_twin(project: Project) -> None:
    def add(self: Any, row: object) -> int:
        signal.raise_signal(signal.SIGINT)
        return -1

    project.candidate.Book.add = add
    project.install("Book", more='attributes = ["seen"]')
    book = project.user.Book()
    with pytest.raises(KeyboardInterrupt):
        book.add("a")
    assert (book.seen, len(book), book.last) == (1, 1, "a")
    state = project.status("Book")
    assert (state.counts["differed"], state.places) == (0, {})
    assert state.reasons == {"add: interrupted": 1}


def test_a_ctrl_c_while_the_candidates_object_is_built_leaves_legacys(project: Project) -> None:
    def init(self: Any, start: int = 0) -> None:
        signal.raise_signal(signal.SIGINT)

    project.candidate.Book.__init__ = init
    project.install("Book")
    made = project.user.Book.__new__(project.user.Book)
    with pytest.raises(KeyboardInterrupt):
        made.__init__(4)
    assert (made.seen, made.add("a")) == (4, 5)
    assert project.status("Book").reasons == {"__init__: interrupted": 1}


def test_an_argument_that_cannot_be_copied_ends_the_twin_and_no_later_call_is_a_difference(project: Project) -> None:
    project.install("Book")
    book = project.user.Book()
    lock = threading.Lock()
    assert book.add(lock) == 1
    assert (book.add("a"), len(book), book.last) == (2, 2, "a")
    state = project.status("Book")
    assert (state.counts["skipped"], state.counts["compared"], state.places) == (1, 1, {})
    assert "cannot be copied" in next(iter(state.reasons))


def test_a_result_that_cannot_be_read_is_counted_by_method_and_never_passes(project: Project) -> None:
    project.candidate.Book.inner = lambda self: object()  # noqa: ARG005 - called as a method
    project.install("Book")
    assert project.user.Book(7).inner() == 7
    state = project.status("Book")
    assert (state.verdict, state.counts["errors"]) == ("INCONCLUSIVE", 1)
    assert next(iter(state.reasons)).startswith("inner: ")


def test_a_rule_without_a_method_holds_for_every_method(project: Project) -> None:
    project.install("Book", more='compare = { "$" = "ignore(ana, off by design)" }')
    project.user.Book().add("bad")
    project.candidate.Book.inner = lambda self: -5  # noqa: ARG005 - called as a method
    assert project.user.Book().inner() == 0
    state = project.status("Book")
    assert (state.verdict, state.ignored) == ("PASS", {("$", "ignore(ana, off by design)"): 2})


def test_an_object_of_a_subclass_made_in_shadow_is_legacys_alone(project: Project) -> None:
    project.install("Book")

    class Mine(project.user.Book):
        pass

    mine = Mine(5)
    assert (mine.add("bad"), mine.last, len(mine)) == (6, "bad", 6)
    mine.last = "b"
    assert mine.rows == ["b"]
    assert project.status("Book").counts["compared"] == 0


def test_a_property_of_an_older_twin_is_legacys_after_a_rollback(project: Project) -> None:
    project.install("Book")
    book = project.user.Book()
    book.add("a")
    exuvia.migrate.set_mode(project.unit("Book"), "legacy")
    before = project.status("Book").counts["compared"]
    book.last = "b"
    assert (book.last, book.rows) == ("b", ["b"])
    assert project.status("Book").counts["compared"] == before


def test_a_class_without_an_initialiser_takes_and_refuses_the_arguments_that_it_did(project: Project) -> None:
    with pytest.raises(TypeError, match=r"Bare\(\) takes no arguments"):
        project.legacy.Bare(1)
    project.install("Bare", "Made", "Row")
    with pytest.raises(TypeError, match=r"Bare\(\) takes no arguments"):
        project.legacy.Bare(1)
    with pytest.raises(TypeError, match=r"Bare\(\) takes no arguments"):
        project.legacy.Bare(x=1)
    assert (project.legacy.Bare().one(), project.legacy.Made(4).twice(), project.legacy.Row((1, 2)).total()) == (
        1,
        8,
        3,
    )
    assert [project.status(name).verdict for name in ("Bare", "Made", "Row")] == ["PASS"] * 3


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_twin_pickles_under_every_protocol_under_which_its_class_does(project: Project, protocol: int) -> None:
    plain = project.user.Book()
    assert pickle.loads(pickle.dumps(plain, protocol)).seen == 0
    frozen = project.legacy.Frozen(4)
    legacy_can = protocol >= 2
    project.install("Book", "Frozen")
    book = project.user.Book()
    book.add(1)
    again = pickle.loads(pickle.dumps(book, protocol))
    assert (vars(again), type(again)) == ({"seen": 1, "rows": [1]}, project.user.Book)
    for thing in (frozen, project.legacy.Frozen(4)) if not legacy_can else ():
        with pytest.raises((TypeError, pickle.PicklingError)):
            pickle.dumps(thing, protocol)


@pytest.mark.parametrize("mode", ["shadow", "legacy"])
def test_a_class_that_says_itself_how_it_is_pickled_keeps_its_way(project: Project, mode: str) -> None:
    names = ("Pointed", "Named", "Kept", "Counted", "Row")
    project.install(*names)
    pointed, named, kept, counted = (
        project.legacy.Pointed(4),
        project.legacy.Named(),
        project.legacy.Kept(),
        project.legacy.Counted(),
    )
    row = project.legacy.Row((1, 2))
    project.legacy.NAMED = named
    kept.state = [5]
    for name in names:
        exuvia.migrate.set_mode(project.unit(name), mode)
    for again in (lambda thing: pickle.loads(pickle.dumps(thing)), copy.copy):
        assert again(named) is named
        assert (again(pointed).twice(), type(again(pointed))) == (8, project.legacy.Pointed)
        assert again(kept).state == [5]
        assert vars(again(counted)) == {"n": 3}
        assert (again(row), vars(again(row))) == ((1, 2), {})
