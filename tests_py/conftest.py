"""What every test stands on: the wheel that is installed, no network but loopback, the market data.

- The suite stops at once if `exuvia` would come from the source tree or lies on the path twice.
- A connection, datagram, name look-up or listener that leaves loopback is refused where it happens and
  fails the whole run, even if the code under test swallows the error.
- `data_dir` is the folder with real market data; without it the test is skipped and the reason printed.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
NAMES = {"", "localhost", "localhost.localdomain", "ip6-localhost"}
REACHED: list[str] = []
WATCHED = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.bind": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
}
HERE = threading.local()


def stays_here(host: object) -> bool:
    """Whether a host name or address is loopback."""
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if text is None:
        return True
    if not isinstance(text, str):
        return False
    if text.lower() in NAMES - {""}:
        return True
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False


def guard(event: str, arguments: tuple[object, ...]) -> None:
    """Audit hook: refuses what leaves loopback, and remembers it for the end of the run."""
    at = WATCHED.get(event)
    if at is None or getattr(HERE, "allowed", False):
        return
    if at == 1:
        which, address = arguments[0], arguments[1] if len(arguments) > 1 else None
        family = getattr(which, "family", None)
        if family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
            return
        host: object = address[0]
    else:
        host = arguments[0]
    if not stays_here(host):
        what = f"{event} to {host!r} in {os.environ.get('PYTEST_CURRENT_TEST', 'no test')}"
        REACHED.append(what)
        message = f"{what}: the tests of exuvia never leave loopback"
        raise PermissionError(message)


def pytest_configure(config: pytest.Config) -> None:
    """Arms the guard, registers the markers of this suite, checks what is imported."""
    config.addinivalue_line("markers", "timing: measures a time; best alone on the machine")
    sys.addaudithook(guard)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell that starts the suite in the background lets it inherit that; some tests press Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    complaint = wrong_exuvia()
    if complaint:
        pytest.exit(complaint, returncode=4)


def wrong_exuvia() -> str | None:
    """What is wrong with the `exuvia` that the tests would import, or None."""
    spec = importlib.util.find_spec("exuvia")
    if spec is None or spec.origin is None:
        return "exuvia is not installed: run `make test`, or install the wheel into this environment"
    origin = Path(spec.origin).resolve()
    if origin.is_relative_to(ROOT / "python"):
        return f"exuvia would come from the source tree ({origin}): the tests are about the installed wheel"
    found = sorted(path for entry in sys.path if entry for path in Path(entry).glob("exuvia/_exuvia*.so"))
    if len({path.resolve() for path in found}) != 1:
        return f"one extension is wanted on the path, found {len(found)}: {', '.join(map(str, found)) or 'none'}"
    return None


def data_folder() -> Path:
    """Where the market data should be: EXUVIA_DATA, else ../shared/data beside the checkout."""
    return Path(os.environ.get("EXUVIA_DATA") or ROOT.parent / "shared" / "data")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with real market data."""
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip(f"no market data at {folder}: set EXUVIA_DATA to its folder")
    return folder.resolve()


@pytest.fixture(scope="session", autouse=True)
def marks_of_this_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Marks of disks that take nothing go to a folder of this run, and not beside those of real evidence."""
    os.environ["EXUVIA_MARKS"] = str(tmp_path_factory.mktemp("marks"))


@pytest.fixture
def long_seconds() -> float:
    """How long a test marked `long` may go on: short in `make test`, minutes in `make test-long`."""
    return float(os.environ.get("EXUVIA_LONG_SECONDS") or 5)


@pytest.fixture
def proof() -> Callable[[str, int], None]:
    """Counts what a long test did; `make test-long` writes the counts to docs/proof.md."""

    def count(what: str, number: int) -> None:
        sys.stdout.write(f"{what}: {number:,}\n")
        if path := os.environ.get("EXUVIA_PROOF"):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(json.dumps([what, number]) + "\n")

    return count


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test that uses the market data; leaves out times where measuring coverage slows the code."""
    for item in items:
        if "data_dir" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.data)
        if os.environ.get("EXUVIA_COVERAGE") and item.get_closest_marker("timing"):
            item.add_marker(pytest.mark.skip(reason="measures a time, and instrumented code is slow"))


SKIPPED: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes the tests that were skipped for want of market data: by marker, by fixture or by their words."""
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr)
        if "data" in report.keywords or "EXUVIA_DATA" in reason or "market data" in reason:
            SKIPPED.append(report.nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Takes over what a worker of pytest-xdist saw."""
    REACHED.extend(getattr(node, "workeroutput", {}).get("reached", []))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails the run for a connection that left loopback, and on a build server for a skipped data test."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["reached"] = REACHED
        return
    if REACHED:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        for what in REACHED:
            sys.stderr.write(f"\nLEFT LOOPBACK: {what}\n")
    if SKIPPED and os.environ.get("EXUVIA_STRICT_DATA") == "1" and data_folder().is_dir():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        for name in SKIPPED:
            sys.stderr.write(f"\nSKIPPED ALTHOUGH THE DATA IS THERE: {name}\n")


@pytest.fixture(autouse=True)
def nothing_left_loopback() -> Iterator[None]:
    """Fails the very test that tried to leave loopback, whatever it did with the error."""
    before = len(REACHED)
    yield
    if len(REACHED) > before and not getattr(HERE, "expected", False):
        pytest.fail(f"left loopback: {'; '.join(REACHED[before:])}")


@pytest.fixture
def expected_escape() -> Iterator[list[str]]:
    """For the tests of the guard itself: what they provoke is theirs, and is not held against the run."""
    before = len(REACHED)
    HERE.expected = True
    mine: list[str] = []
    try:
        yield mine
    finally:
        mine.extend(REACHED[before:])
        del REACHED[before:]
        HERE.expected = False


def hypothesis_profile() -> None:
    """`make test-long` asks for many cases; the usual run takes few and is repeatable."""
    try:
        from hypothesis import HealthCheck, settings
    except ImportError:
        return
    cases = int(os.environ.get("EXUVIA_CASES") or 0)
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    settings.register_profile("usual", deadline=None, derandomize=True, suppress_health_check=slow)
    settings.register_profile("long", deadline=None, max_examples=max(cases, 1), suppress_health_check=slow)
    settings.load_profile("long" if cases else "usual")


hypothesis_profile()
