"""What the tests of the shadow share: a legacy module, its candidate, and the moult of both in this process."""

from __future__ import annotations

import importlib
import os
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Any

import exuvia.migrate
import pytest
from exuvia.migrate import runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NUMBER = iter(range(10_000))


class Shadowed:
    """A legacy module and a candidate under names of their own, installed with a worker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        number = next(NUMBER)
        self.legacy_name, self.candidate_name = f"old{number}", f"new{number}"
        self.legacy: Any = None
        self.lines: list[dict[str, Any]] = []

    def write(self, legacy: str, candidate: str) -> None:
        for name, text in ((self.legacy_name, legacy), (self.candidate_name, candidate)):
            source = textwrap.dedent(text).replace("LEGACY", self.legacy_name)
            (self.folder / f"{name}.py").write_text(source)
        self.legacy = importlib.import_module(self.legacy_name)

    def install(self, *names: str, more: str = "", rehearsal: bool = True, mode: str = "shadow") -> None:
        lines = ["[exuvia]", f"rehearsal = {str(rehearsal).lower()}", 'endpoints = ["http://127.0.0.1:9"]']
        for name in names:
            lines += [
                f'[unit."{self.legacy_name}:{name}"]',
                f'candidate = "{self.candidate_name}:{name}"',
                'effect = "pure"',
                f'mode = "{mode}"',
                more,
            ]
        config = self.folder / "exuvia.toml"
        config.write_text("\n".join(lines))
        config.chmod(0o600)
        exuvia.migrate.install(config)
        for record in self.courier.records.values():
            record.write = self.lines.append

    def kept(self, kind: str) -> list[dict[str, Any]]:
        """The lines of evidence of one kind."""
        return [line for line in self.lines if line["kind"] == kind]

    @property
    def courier(self) -> Any:
        current: Any = runtime._current
        return current.courier

    @property
    def lanes(self) -> list[Any]:
        """The lanes of all units, also of those that no call has opened yet."""
        self.courier.open_all()
        lanes: list[Any] = self.courier.lanes
        return lanes

    def settle(self, seconds: float = 30.0) -> None:
        assert self.courier.flush(seconds), self.courier.stats()

    def counts(self, name: str) -> dict[str, Any]:
        """The counters of a unit once everything that was taken is on record."""
        self.settle()
        current: Any = runtime._current
        found: dict[str, Any] = current.units[f"{self.legacy_name}:{name}"].record.counters("shadow")
        return found

    def kinds(self, name: str) -> list[tuple[str, str]]:
        return [(place, kind) for place, kind, _ in self.counts(name)["places"]]

    def stats(self, name: str) -> dict[str, Any]:
        units: dict[str, Any] = self.courier.stats()["units"]
        found: dict[str, Any] = units[f"{self.legacy_name}:{name}"]
        return found

    def mode(self, name: str) -> str:
        current: Any = runtime._current
        mode: str = current.units[f"{self.legacy_name}:{name}"].mode
        return mode


@pytest.fixture
def shadowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shadowed]:
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Shadowed(tmp_path)
    yield made
    current: Any = runtime._current
    worker = current.courier.stats()["worker"] if current is not None else None
    exuvia.migrate.uninstall()
    if worker is not None:
        until(lambda: not alive(worker), "the worker was left behind")
    for name in (made.legacy_name, made.candidate_name):
        sys.modules.pop(name, None)


def until(true: Callable[[], bool], otherwise: str, seconds: float = 20.0) -> None:
    """Wait for something, or fail with why it matters."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, otherwise
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 - one line
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
