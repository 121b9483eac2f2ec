"""The pytest plug-in of exuvia: options, fixtures, and a summary. It loads nothing until it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exuvia.testing.parity import Parity
    from exuvia.testing.suite import Suite
    from exuvia.venues import SaxoVenue

__all__ = ["parity", "saxo_venue"]

_SUITE: pytest.StashKey[Suite] = pytest.StashKey()
_ROWS = pytest.StashKey[list[dict[str, Any]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declares the options."""
    group = parser.getgroup("exuvia", "parity of legacy and candidate")
    group.addoption(
        "--exuvia-mode",
        choices=("legacy", "shadow", "rust"),
        help="run the tests with the units of exuvia.toml in this mode",
    )
    group.addoption("--exuvia-config", metavar="FILE", help="exuvia.toml, else it is found")


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker."""
    config.addinivalue_line("markers", "saxo_venue(source): where the ticks of the saxo_venue fixture come from")


def _spreads(config: pytest.Config) -> bool:
    """Whether this process only hands tests to others (pytest-xdist)."""
    return not hasattr(config, "workerinput") and bool(config.getoption("numprocesses", None))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Puts the units into their mode before a test module is imported."""
    config = session.config
    mode = config.getoption("--exuvia-mode")
    if mode is None or _spreads(config):
        return
    from exuvia.errors import ExuviaError
    from exuvia.testing.suite import begin

    try:
        config.stash[_SUITE] = begin(mode, config.getoption("--exuvia-config"))
    except (ExuviaError, OSError) as error:
        raise pytest.UsageError(f"--exuvia-mode={mode}: {error}") from None
    except ImportError:
        from exuvia.migrate import extension

        cause = extension.trouble()
        if cause is None:
            raise
        raise pytest.UsageError(f"--exuvia-mode={mode}: {cause}: {extension.REPAIR}") from None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Takes the units out again; a difference, or units that no test reached, fail the run."""
    config = session.config
    mode = config.getoption("--exuvia-mode")
    if mode is None:
        return
    rows = config.stash.setdefault(_ROWS, [])
    suite = config.stash.get(_SUITE, None)
    if suite is not None:
        del config.stash[_SUITE]
        suite.end()
        rows += suite.rows
        if hasattr(config, "workeroutput"):
            config.workeroutput["exuvia"] = rows
            return
    from exuvia.testing.suite import told

    if session.exitstatus == pytest.ExitCode.OK and not told(mode, rows)[1]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:  # noqa: ARG001 - as pytest-xdist calls it
    """Takes over what a worker of pytest-xdist saw."""
    node.config.stash.setdefault(_ROWS, []).extend(getattr(node, "workeroutput", {}).get("exuvia", []))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Says what was compared."""
    mode = config.getoption("--exuvia-mode")
    if mode is None:
        return
    from exuvia.testing.suite import told

    terminalreporter.section("exuvia")
    for line in told(mode, config.stash.get(_ROWS, []))[0]:
        terminalreporter.write_line(line)


@pytest.fixture
def parity(request: pytest.FixtureRequest) -> Iterator[Parity]:
    """Compares legacy and candidate call by call: `parity("bot.bars:aggregate")(bars, 300)`.

    `parity(unit)` or `parity(legacy, candidate, rules=…)` returns a callable that gives legacy's result and
    fails the test where the candidate differs. A test that takes sides and compares nothing fails too.
    """
    from exuvia.testing.parity import Parity

    found = Parity(request.config.getoption("--exuvia-config"))
    yield found
    if found.sides and not found.compared:
        pytest.fail("parity compared nothing: call what parity(…) returned", pytrace=False)


@pytest.fixture
def saxo_venue(request: pytest.FixtureRequest) -> Iterator[SaxoVenue]:
    """A simulated Saxo broker on 127.0.0.1; `@pytest.mark.saxo_venue("sim:7?ticks=100")` names its ticks."""
    from exuvia.venues import SaxoVenue

    marker = request.node.get_closest_marker("saxo_venue")
    with SaxoVenue(*(marker.args if marker is not None and marker.args else ("sim:7",))) as venue:
        yield venue
