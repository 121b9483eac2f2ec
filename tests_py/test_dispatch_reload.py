"""A module that is reloaded under a unit: the new code serves as it is, and that is said, not hidden."""

from __future__ import annotations

import functools
import importlib
import re
from typing import Any

import exuvia.migrate
import pytest
from exuvia.errors import MigrateError
from exuvia.migrate import runtime
from exuvia.migrate.evidence import reading
from moult import Project, project

__all__ = ["project"]


def look(project: Project) -> list[str]:
    """What the poller does each second; returns the texts of the trouble that is on record."""
    current: Any = runtime._current
    current.settle()
    current.segment.flush() if hasattr(current.segment, "flush") else None
    segments = reading.read_folder(project.folder / "evidence")
    return [trouble.text for segment in segments for trouble in segment.troubles if trouble.what == "moult"]


@pytest.mark.parametrize("name", ["mean", "Book.inner", "Book", "Book.last"])
@pytest.mark.parametrize("mode", ["shadow", "rust"])
def test_a_reload_puts_the_unit_back_and_is_said_in_status_and_on_record(
    project: Project, capfd: pytest.CaptureFixture[str], name: str, mode: str
) -> None:
    held = project.user.mean
    project.install(name, mode=mode)
    importlib.reload(project.legacy)
    said = look(project)
    state = project.status(name)
    assert state.mode == "legacy"
    assert any("its module was reloaded" in note for note in state.notes)
    assert [text for text in said if "was defined anew after install" in text]
    # By whichever came first, this look or the poller's own.
    assert re.search(rf"exuvia: {project.unit(name)}\b.*was defined anew after install.*legacy", capfd.readouterr().err)
    # Old names and new ones are of one mind now.
    calls = len(project.candidate.calls)
    assert (held([1.0, 3.0]), project.legacy.mean([1.0, 3.0])) == (2.0, 2.0)
    assert len(project.candidate.calls) == calls
    with pytest.raises(MigrateError, match="was defined anew|was replaced"):
        exuvia.migrate.set_mode(project.unit(name), "rust")
    assert look(project) == said


def test_the_last_look_at_the_end_of_a_process_sees_a_reload_too(project: Project) -> None:
    project.install("mean", mode="rust")
    importlib.reload(project.legacy)
    exuvia.migrate.uninstall()
    (segment,) = reading.read_folder(project.folder / "evidence")
    assert any("was defined anew" in trouble.text for trouble in segment.troubles)


def test_a_decorator_put_around_the_unit_since_is_no_reload(project: Project) -> None:
    project.install("mean", mode="rust")
    inner = project.legacy.mean

    @functools.wraps(inner)
    def logged(*args: Any, **kwargs: Any) -> Any:
        return inner(*args, **kwargs)

    project.legacy.mean = logged
    assert look(project) == []
    assert project.legacy.mean([1.0, 3.0]) == 2.0
    assert (project.status("mean").mode, len(project.candidate.calls)) == ("rust", 1)


def test_what_replaces_the_unit_altogether_is_said_and_leaves_the_mode(project: Project) -> None:
    project.install("mean", mode="rust")
    inner, project.legacy.mean = project.legacy.mean, len
    (said,) = look(project)
    assert "was replaced after install: calls by that name are not observed" in said
    assert project.status("mean").mode == "rust"
    assert project.user.use([1.0]) == 3.0
    assert len(project.candidate.calls) == 1
    project.legacy.mean = inner
    assert not any("was replaced" in note for note in project.status("mean").notes)
