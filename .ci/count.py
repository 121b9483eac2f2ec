"""Reads how many tests ran from what the runners wrote: pytest's JUnit file, nextest, cargo test."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from steps import Count, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NEXTEST = re.compile(r"Summary \[.*\] +\d+(?:/\d+)? tests? run: (.*)")
CARGO = re.compile(r"test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored")
BROKEN = re.compile(r"^ *(?:FAIL|TIMEOUT|ABORT|SIG[A-Z]+) \[.*?\] (?:\( *\d+/\d+\) )?(.*)$", re.MULTILINE)
LEFT = re.compile(r"^\s*skip(?:ped|ping)?\b[: ]", re.IGNORECASE | re.MULTILINE)


def pytest(report: Path) -> Callable[[Outcome], Count]:
    """Counts the tests in a JUnit file that pytest wrote."""

    def read(_outcome: Outcome) -> Count:
        if not report.is_file():
            return Count()
        total = Count()
        for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314 - our own file
            ran, failed = (
                int(suite.get("tests", 0)),
                int(suite.get("failures", 0)) + int(suite.get("errors", 0)),
            )
            skipped = int(suite.get("skipped", 0))
            total += Count(ran - failed - skipped, failed, skipped, tuple(wrong(suite)))
        return total

    return read


def wrong(suite: ET.Element) -> Iterator[str]:
    """The tests of a suite that failed, each with the first line of why."""
    for case in suite.iter("testcase"):
        for said in (*case.findall("failure"), *case.findall("error")):
            first = (said.get("message") or "").strip().partition("\n")[0]
            yield f"{case.get('classname', '')}::{case.get('name', '')}: {first[:200]}"


def nextest(outcome: Outcome) -> Count:
    """Counts nextest's summary line, and what the tests themselves said that they left out."""
    total = Count()
    for line in NEXTEST.findall(outcome.output):
        for number, word in re.findall(r"(\d+) (passed|failed|timed out|exec failed)", line):
            if word == "passed":
                total.passed += int(number)
            else:
                total.failed += int(number)
    said = len(LEFT.findall(outcome.output))
    names = tuple(dict.fromkeys(" ".join(line.split()) for line in BROKEN.findall(outcome.output)))
    return Count(total.passed - min(said, total.passed), total.failed, said, names)


def cargo(outcome: Outcome) -> Count:
    """Counts the result lines of cargo test, and what the tests themselves said that they left out."""
    total = Count()
    for passed, failed, ignored in CARGO.findall(outcome.output):
        total += Count(int(passed), int(failed), int(ignored))
    said = min(len(LEFT.findall(outcome.output)), total.passed)
    return Count(total.passed - said, total.failed, total.skipped + said)
