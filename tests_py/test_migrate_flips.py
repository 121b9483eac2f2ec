"""Install and flips: names bound long ago follow, legacy's own code comes back, what does not fit is refused."""

from __future__ import annotations

import importlib
import sys
import threading

import exuvia.migrate
import pytest
from exuvia.errors import ConfigError, MigrateError
from moult import Project, project
from shadowing import Shadowed, shadowed, until

__all__ = ["project", "shadowed"]


def test_names_bound_long_ago_follow_every_flip_and_the_code_comes_back(project: Project) -> None:
    original, held = project.legacy.mean.__code__, project.user.held["mean"]
    project.install("mean", mode="legacy")
    assert held.__code__ is original
    for mode, calls in (("shadow", 1), ("rust", 2), ("legacy", 2), ("rust", 3)):
        exuvia.migrate.set_mode(project.unit("mean"), mode)
        assert project.user.use([1.0, 2.0]) == 4.0
        assert len(project.candidate.calls) == calls
        assert project.user.mean is held is project.legacy.mean
    state = project.status("mean")
    assert (state.mode, state.since_flip["legacy_calls"], state.since_flip["candidate_calls"]) == (
        "rust",
        0,
        1,
    )
    exuvia.migrate.uninstall()
    assert held.__code__ is original
    project.user.use([1.0])
    assert len(project.candidate.calls) == 3


def test_a_cache_keeps_what_legacy_answered_where_legacy_goes_on_to_answer(shadowed: Shadowed) -> None:
    text = "import functools\n@functools.lru_cache\ndef book(name):\n    return [name]\n"
    shadowed.write(text, text.replace("@functools.lru_cache\n", ""))
    first = shadowed.legacy.book("EUR")
    shadowed.install("book")
    unit = f"{shadowed.legacy_name}:book"
    assert shadowed.legacy.book("EUR") is first
    for mode in ("legacy", "shadow"):
        exuvia.migrate.set_mode(unit, mode)
        assert shadowed.legacy.book("EUR") is first, mode
    assert shadowed.legacy.book.cache_info().misses == 1
    exuvia.migrate.set_mode(unit, "legacy")
    exuvia.migrate.uninstall()
    assert shadowed.legacy.book("EUR") is first


def test_a_cache_is_cleared_when_the_other_side_serves(project: Project) -> None:
    assert project.legacy.cached(2) == 4
    project.install("cached", mode="rust")
    assert project.legacy.cached(2) == 6
    exuvia.migrate.set_mode(project.unit("cached"), "legacy")
    assert project.legacy.cached(2) == 4


@pytest.mark.parametrize(("before", "after"), [("legacy", "rust"), ("rust", "legacy")])
def test_an_answer_that_comes_after_the_flip_does_not_stay_in_the_cache(
    shadowed: Shadowed, before: str, after: str
) -> None:
    text = (
        "import functools, threading\nentered, go = threading.Event(), threading.Event()\n"
        "@functools.lru_cache\ndef cached(x):\n    entered.set()\n    assert go.wait(20)\n    return 'SIDE', x\n"
    )
    shadowed.write(text.replace("SIDE", "legacy"), text.replace("SIDE", "rust").replace("@functools.lru_cache\n", ""))
    shadowed.install("cached", mode="rust")
    unit = f"{shadowed.legacy_name}:cached"
    exuvia.migrate.set_mode(unit, before)
    sides = {"legacy": shadowed.legacy, "rust": sys.modules[shadowed.candidate_name]}
    answers: list[tuple[str, int]] = []
    running = threading.Thread(target=lambda: answers.append(shadowed.legacy.cached(1)))
    running.start()
    assert sides[before].entered.wait(20)
    exuvia.migrate.set_mode(unit, after)
    for side in sides.values():
        side.go.set()
    running.join(20)
    # The call that was running was answered by the side that it began on, and its answer went into the cache.
    assert answers == [(before, 1)]
    until(lambda: shadowed.legacy.cached(1) == (after, 1), f"the cache still answers as {before} did")


def test_a_flip_of_a_class_acts_on_new_objects_and_proves_who_served(project: Project) -> None:
    legacy, candidate = project.legacy.Book, project.candidate.Book
    add = vars(candidate)["add"]
    project.install("Book")
    old = project.user.Book()
    exuvia.migrate.set_mode(project.unit("Book"), "rust")
    assert project.user.Book is project.legacy.Book is candidate
    assert project.user.book() == [1, 2, 2, 2]
    state = project.status("Book")
    assert (state.since_flip["legacy_calls"], state.since_flip["candidate_calls"]) == (0, 4)
    old.add(1)
    assert project.status("Book").since_flip["legacy_calls"] == 2  # add, and inner from within it
    exuvia.migrate.set_mode(project.unit("Book"), "legacy")
    assert project.user.Book is project.legacy.Book is legacy
    assert vars(candidate)["add"] is add
    assert project.candidate.LegacyBook is legacy


def test_a_module_imported_after_install_follows_the_next_flip(project: Project) -> None:
    project.install("Book")
    late = project.folder / f"late_{project.legacy_name}.py"
    late.write_text(f"from {project.legacy_name} import Book\n")
    module = importlib.import_module(late.stem)
    assert module.Book is project.user.Book is not project.candidate.Book
    exuvia.migrate.set_mode(project.unit("Book"), "rust")
    assert module.Book is project.user.Book is project.candidate.Book
    exuvia.migrate.set_mode(project.unit("Book"), "shadow")
    assert module.Book is project.user.Book is not project.candidate.Book
    sys.modules.pop(late.stem)


def test_the_same_configuration_installed_twice_changes_nothing(project: Project) -> None:
    project.install("mean")
    project.legacy.mean([1.0])
    spliced = project.legacy.mean.__code__
    (state,) = exuvia.migrate.install(project.config)
    assert (state.mode, state.counts["compared"]) == ("shadow", 1)
    assert project.legacy.mean.__code__ is spliced
    project.write("mean", "sort")
    with pytest.raises(MigrateError, match="already installed .* changed since: call uninstall"):
        exuvia.migrate.install(project.config)


def test_set_mode_refuses_what_is_unknown_or_not_allowed(project: Project) -> None:
    with pytest.raises(MigrateError, match="not installed"):
        exuvia.migrate.status()
    project.install("mean", rehearsal=False)
    with pytest.raises(MigrateError, match="already installed"):
        project.install("mean")
    project.write("mean", rehearsal=False)
    with pytest.raises(MigrateError, match="unknown unit 'x'"):
        exuvia.migrate.set_mode("x", "shadow")
    with pytest.raises(MigrateError, match="unknown mode 'fast'"):
        exuvia.migrate.set_mode(project.unit("mean"), "fast")
    with pytest.raises(MigrateError, match="only a rehearsal"):
        exuvia.migrate.set_mode(project.unit("mean"), "rust")
    exuvia.migrate.set_mode(project.unit("mean"), "legacy")


@pytest.mark.parametrize(
    ("name", "candidate", "error", "match"),
    [
        ("mena", "mean", ConfigError, r"exuvia.toml:4: .*'mena' is not there; there is 'mean'"),
        ("mean", "mena", ConfigError, r"exuvia.toml:5: .*'mena' is not there; there is 'mean'"),
        ("mean", "wrong_signature", MigrateError, "has the signature"),
        ("Book", "mean", ConfigError, "is no class"),
        ("Book", "Frozen", MigrateError, "has no "),
    ],
)
def test_a_unit_that_does_not_fit_is_refused_and_nothing_is_changed(
    project: Project, name: str, candidate: str, error: type[Exception], match: str
) -> None:
    code = project.legacy.mean.__code__
    with pytest.raises(error, match=match):
        project.install(name, candidate=candidate)
    assert project.legacy.mean.__code__ is code
    with pytest.raises(MigrateError, match="not installed"):
        exuvia.migrate.status()


def test_where_the_splice_was_never_tested_the_object_form_serves(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exuvia.migrate.dispatch.splice.can_splice", lambda: False)
    function = project.legacy.mean
    project.install("mean")
    assert project.user.mean is project.legacy.mean is not function
    assert project.user.use([1.0, 2.0]) == 4.0
    exuvia.migrate.set_mode(project.unit("mean"), "rust")
    assert project.user.use([1.0, 2.0]) == 4.0
    assert "never tested" in project.status("mean").notes[0]
    exuvia.migrate.set_mode(project.unit("mean"), "legacy")
    assert project.user.mean is project.legacy.mean is function
