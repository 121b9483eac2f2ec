"""Objects of class units: what a flip does not reach is counted and said."""

from __future__ import annotations

from typing import Any

import exuvia.migrate
from exuvia.migrate.evidence import reading
from exuvia.migrate.evidence.shown import apart
from moult import Project, project

__all__ = ["project"]


def on_disk(project: Project) -> Any:
    config = exuvia.migrate.load(project.config)
    return reading.statuses(config, reading.read_folder(config.evidence))[0]


def test_objects_made_before_a_flip_stay_on_their_side_and_status_says_how_many(project: Project) -> None:
    project.install("Book")
    old = project.user.Book()
    exuvia.migrate.set_mode(project.unit("Book"), "rust")
    new = project.user.Book()
    assert (isinstance(old, project.candidate.Book), isinstance(new, project.candidate.Book)) == (False, True)
    state = project.status("Book")
    assert state.objects == {"legacy": 1, "candidate": 1, "twinned": 0, "alive": 1}
    assert any("stay on their side; 1 legacy and 1 rust made since install" in note for note in state.notes)
    assert not any("restart to be sure" in note for note in state.notes)


def test_after_a_rollback_live_candidate_objects_are_counted_and_said_until_they_are_gone(project: Project) -> None:
    init, add = vars(project.candidate.Book)["__init__"], vars(project.candidate.Book)["add"]
    project.install("Book", mode="rust")
    book = project.user.Book()
    exuvia.migrate.set_mode(project.unit("Book"), "legacy")
    before = project.status("Book").counts["candidate_calls"]
    assert book.add(1) == 1
    state = project.status("Book")
    assert state.counts["candidate_calls"] == before + 1
    assert any("(1 alive): restart to be sure" in note for note in state.notes)
    del book
    exuvia.migrate.runtime._current.units[project.unit("Book")].settle()
    assert not any("restart" in note for note in project.status("Book").notes)
    assert (vars(project.candidate.Book)["__init__"], vars(project.candidate.Book)["add"]) == (init, add)


def test_twins_of_a_shadow_after_a_flip_do_not_count_as_served_by_the_candidate(project: Project) -> None:
    project.install("Book", mode="rust")
    kept = project.user.Book()
    exuvia.migrate.set_mode(project.unit("Book"), "shadow")
    before = project.status("Book").counts["candidate_calls"]
    assert project.user.book() == [1, 2, 2, 2]
    state = project.status("Book")
    assert (state.counts["candidate_calls"], state.objects["candidate"]) == (before, 1)
    kept.add(1)
    assert project.status("Book").counts["candidate_calls"] == before + 1


def test_a_class_that_has_no_weak_references_says_that_it_is_unknown(project: Project) -> None:
    class Frozen:
        __slots__ = ("x",)

        def __init__(self, x: int) -> None:
            self.x = x

        def twice(self) -> int:
            return self.x * 2

    project.candidate.Frozen = Frozen
    project.install("Frozen", mode="rust")
    assert project.legacy.Frozen(2).twice() == 4
    exuvia.migrate.set_mode(project.unit("Frozen"), "legacy")
    assert any("is unknown: restart to be sure" in note for note in project.status("Frozen").notes)


def test_a_candidate_without_an_initialiser_keeps_its_own_checks(project: Project) -> None:
    class Plain(project.candidate.Book):
        __init__ = object.__init__
        n = 0

    project.candidate.Book = Plain
    project.install("Book", mode="rust")
    book = project.legacy.Book()
    assert type(book) is Plain
    try:
        project.legacy.Book(1)
    except TypeError as error:
        assert "takes no arguments" in str(error)
    else:
        raise AssertionError


def test_objects_of_a_process_that_ended_are_not_alive(project: Project) -> None:
    add = vars(project.candidate.Book)["add"]
    project.install("Book", mode="rust")
    book = project.user.Book()
    exuvia.migrate.uninstall()
    state = on_disk(project)
    assert (state.objects["candidate"], state.objects["alive"]) == (1, 0)
    assert book.add(1) == 1
    assert vars(project.candidate.Book)["add"] is add


def test_floats_say_how_far_they_are_apart() -> None:
    assert apart("1.0", "1.0000000000000002") == "1 ulp"
    assert apart("-5e-324", "5e-324") == "2 ulp"
    assert apart("1.1", "1.1000000012") == "1.2e-09"
    assert apart("nan", "1.0") == apart("1", "2") == apart("None", "2.5") == ""
