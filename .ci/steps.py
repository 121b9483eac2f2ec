"""Runs the steps of a target one after another.

A line with its time for each, the log in a file, the end of the log on the screen when it fails, the totals.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from places import LOGS, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

TAIL = 40
NAMED = 20  # failed tests that the last lines name


@dataclass
class Count:
    """Tests that passed, failed and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    names: tuple[str, ...] = ()  # of the tests that failed, where the runner says them

    def __add__(self, other: Count) -> Count:
        """The sum, field by field."""
        return Count(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.names + other.names,
        )

    def __str__(self) -> str:
        """The line that a build server reads."""
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass
class Outcome:
    """What a program did: its status, its output, where the log is."""

    status: int
    output: str
    log: Path
    seconds: float


@dataclass
class Run:
    """The steps of one target."""

    env: Mapping[str, str] = field(default_factory=dict)
    total: Count = field(default_factory=Count)
    broken: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def call(  # one door for every program that is started
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        cwd: Path = ROOT,
        env: Mapping[str, str | None] | None = None,
        bare_env: Mapping[str, str] | None = None,
        timeout: float | None = None,
        show: bool = False,
    ) -> Outcome:
        """Starts a program, waits, and keeps its output in build/logs/NAME.log."""
        LOGS.mkdir(parents=True, exist_ok=True)
        log = LOGS / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.log"
        variables = dict(bare_env) if bare_env is not None else {**os.environ, **self.env}
        for key, value in (env or {}).items():
            if value is None:
                variables.pop(key, None)
            else:
                variables[key] = value
        began = time.monotonic()
        text = [str(part) for part in command]
        if show:
            status = subprocess.run(text, cwd=cwd, env=variables, stdin=subprocess.DEVNULL, check=False).returncode
            return Outcome(status, "", log, time.monotonic() - began)
        with log.open("wb") as sink:
            sink.write(f"$ {' '.join(text)}\n".encode())
            sink.flush()
            try:
                status = subprocess.run(
                    text,
                    cwd=cwd,
                    env=variables,
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    timeout=timeout,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                sink.write(f"\nstopped after {timeout:.0f} s\n".encode())
                status = 124
            except OSError as error:
                sink.write(f"\n{text[0]} could not be started: {error}\n".encode())
                status = 127
        output = log.read_text(encoding="utf-8", errors="replace")
        return Outcome(status, output, log, time.monotonic() - began)

    def step(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        count: Callable[[Outcome], Count] | None = None,
        verdict: Callable[[Outcome], str | None] | None = None,
        **how: object,
    ) -> bool:
        """Runs a program as a step.

        `count` reads the tests from its outcome; `verdict` names what is wrong (default: a status
        other than 0). A step that fails without a failed test counts as one failure.
        """
        self.begins(name)
        outcome = self.call(name, command, **how)
        wrong = verdict(outcome) if verdict else (f"status {outcome.status}" if outcome.status else None)
        counted = count(outcome) if count else Count()
        if wrong and not counted.failed:
            counted.failed = 1
        self.total += counted
        note = str(counted) if count else ""
        self.line("FAILED" if wrong else "ok", name, outcome.seconds, note)
        if wrong:
            self.broken.append(name)
            lines = outcome.output.rstrip().splitlines()
            print("\n".join(f"    | {line}" for line in lines[-TAIL:]))
            for test in counted.names:
                print(f"    failed: {test}")
            print(f"    {wrong}; the whole log: {outcome.log.relative_to(ROOT)}", flush=True)
        return not wrong

    def must(self, name: str, command: Sequence[str | Path], **how: object) -> None:
        """A step without which the rest makes no sense: its failure ends the run."""
        if not self.step(name, command, **how):
            self.end()

    def begins(self, name: str) -> None:
        """Names a step that starts: in a log by a line, on a terminal by one that its result replaces."""
        terminal = sys.stdout.isatty()
        print(f"  {'…':7} {name}", end="\r" if terminal else "\n", flush=True)

    def line(self, word: str, name: str, seconds: float, note: str = "") -> None:
        """One line of progress."""
        print(f"  {word:7} {name:38} {seconds:7.1f} s  {note}".rstrip(), flush=True)

    def skip(self, name: str, why: str) -> None:
        """Says that a step was left out, and why."""
        print(f"  left    {name:38}            {why}", flush=True)

    def fail(self, name: str, why: str) -> None:
        """Counts a failure that no program reported."""
        self.total += Count(failed=1)
        self.broken.append(name)
        print(f"  FAILED  {name:38}            {why}", flush=True)

    def end(self, *, totals: bool = True) -> None:
        """Prints the totals and ends with status 0 or 1."""
        print(f"  {time.monotonic() - self.started:.0f} s in all", flush=True)
        if self.broken:
            print(f"failed: {', '.join(self.broken)}")
            for test in self.total.names[:NAMED]:
                print(f"  {test}")
            if len(self.total.names) > NAMED:
                print(f"  and {len(self.total.names) - NAMED} more")
        if totals:
            print(self.total, flush=True)
        sys.exit(1 if self.broken else 0)
