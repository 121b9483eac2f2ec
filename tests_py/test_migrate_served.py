"""Who served in rust, and which of the candidate's objects live: counted where it can be, said where not."""

from __future__ import annotations

import collections

import exuvia.migrate
from moult import Project, project

__all__ = ["project"]


def test_calls_of_an_object_older_than_the_install_count_as_legacys_in_rust(project: Project) -> None:
    old = project.user.Book()
    project.install("Book", mode="rust")
    assert old.add("a") == 1
    state = project.status("Book")
    assert (state.since_flip["legacy_calls"], state.since_flip["candidate_calls"]) == (2, 0)
    exuvia.migrate.set_mode(project.unit("Book"), "legacy")
    assert old.add("b") == 2
    assert project.status("Book").since_flip["legacy_calls"] == 0


def test_a_compiled_class_serves_and_says_that_its_calls_are_not_counted(project: Project) -> None:
    config = project.write("Deck", mode="rust")
    config.write_text(config.read_text().replace(f'"{project.candidate_name}:Deck"', '"collections:deque"'))
    exuvia.migrate.install(config)
    deck = project.legacy.Deck()
    deck.append(1)
    assert (type(deck), len(deck), deck.pop()) == (collections.deque, 1, 1)
    state = project.status("Deck")
    assert "calls of a compiled class are not counted" in state.notes
    assert state.objects["alive"] is None
    exuvia.migrate.set_mode(project.unit("Deck"), "legacy")
    assert any("is unknown: restart to be sure" in note for note in project.status("Deck").notes)
    assert project.legacy.Deck is not collections.deque


def test_an_initialiser_that_is_lent_to_a_stranger_works_and_makes_the_number_unknown(project: Project) -> None:
    class Stranger:
        __slots__ = ("n", "rows")

        def __init__(self) -> None:
            project.candidate.Book.__init__(self, 5)

    project.install("Book", mode="rust")
    assert Stranger().n == 5
    assert project.user.Book(3).n == 3
    assert project.status("Book").objects["alive"] is None
    exuvia.migrate.set_mode(project.unit("Book"), "legacy")
    assert any("is unknown: restart to be sure" in note for note in project.status("Book").notes)
