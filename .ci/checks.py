"""What `make test` checks, in the order in which a failure is cheapest to find."""

from __future__ import annotations

import os
import shutil
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

import count
import environment
from places import BARE, BUILD, CI, ROOT, VENV, bin_of, market_data, python_of

if TYPE_CHECKING:
    from pathlib import Path

    from steps import Outcome, Run

WORKFLOWS = ROOT / ".github" / "workflows"
BOT = ROOT / "examples" / "legacy_bot"
DEMO = ROOT / "examples" / "demo" / "demo.py"
PYTHON_FOLDERS = ("python", "tests_py", "examples", ".ci", "benches")
ONE_VERSION = ("arrow", "parquet", "pyo3", "numpy")
# The extension has no Rust tests, but with it in the selection, and without criterion, dependencies have the
# features that they have in the wheel, and are compiled once.
RUST = ("--workspace", "--exclude", "exuvia-benches", "--locked")
SLICE_SECONDS = 120

# What a planted bug must be reported as: the unit, and a part of the path of the difference.
PLANTS = {
    "tick": ("legacy_bot.bars:TickBars", "bid_close"),
    "side": ("legacy_bot.scan:decide", ".side"),
    "drop": ("legacy_bot.quotes:QuoteBook", "apply"),
}


def everything(run: Run) -> None:
    """Runs all checks and ends with the totals."""
    data = market_data()
    print(f"  market data: {data or 'not there: tests that need it are skipped'}", flush=True)
    environment.development(run)
    formats(run)
    wheel = environment.build(run, "ci", environment.WHEELS / "ci")
    environment.install(run, VENV, wheel)
    lints(run)
    types(run)
    tree(run)
    workflows(run)
    rust_tests(run)
    python_tests(run)
    bare_tests(run, wheel)
    bot_tests(run)
    long_slice(run)
    demos(run)
    run.end()


def tool(name: str) -> Path:
    """A program of `.venv/`."""
    return bin_of(VENV) / name


def loopback(*command: str | Path) -> list[str | Path]:
    """A command that sees no network but loopback, where the system admits that."""
    return [sys.executable, CI / "loopback.py", *command]


def formats(run: Run) -> None:
    """Formatters and the linter of the Python half: they need no build."""
    folders = [name for name in PYTHON_FOLDERS if list((ROOT / name).rglob("*.py"))]
    run.step("cargo fmt", ["cargo", "fmt", "--all", "--check"])
    run.step("ruff format", [tool("ruff"), "format", "--check", *folders])
    run.step("ruff check", [tool("ruff"), "check", "--output-format", "concise", *folders])


def lints(run: Run) -> None:
    """Clippy over every target; profile ci, so that build scripts and macros are those of the wheel."""
    run.step(
        "clippy",
        [
            "cargo",
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--profile",
            "ci",
            "--",
            "-D",
            "warnings",
        ],
    )


def types(run: Run) -> None:
    """Types of the package, of the bot, and of the stub against the extension that is installed."""
    out = outside()
    run.step("mypy, the package", [tool("mypy")])
    run.step("mypy, the bot", [tool("mypy"), "--strict", "legacy_bot"], cwd=BOT)
    run.step(
        "stubtest of the extension",
        [python_of(VENV), "-P", "-m", "mypy.stubtest", "exuvia._exuvia"],
        cwd=out,
    )


def tree(run: Run) -> None:
    """One version of each crate that crosses the boundary; licences, bans and sources."""
    run.step(
        "one version of arrow",
        [
            "cargo",
            "tree",
            "--workspace",
            "--locked",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ],
        verdict=two_versions,
    )
    if tool("cargo-deny").is_file():
        run.step(
            "cargo deny",
            [tool("cargo-deny"), "--offline", "--locked", "check", "licenses", "bans", "sources"],
        )
    elif shutil.which("cargo-deny"):
        run.step("cargo deny", ["cargo-deny", "--offline", "--locked", "check", "licenses", "bans", "sources"])
    else:
        run.skip("cargo deny", "no prebuilt cargo-deny for this platform; the workflow runs it")


def two_versions(outcome: Outcome) -> str | None:
    """What is wrong if a crate of the boundary is in the tree twice."""
    if outcome.status:
        return f"status {outcome.status}"
    versions: dict[str, set[str]] = defaultdict(set)
    for line in outcome.output.splitlines():
        words = line.split()
        if len(words) > 1 and words[0].startswith(ONE_VERSION):
            versions[words[0]].add(words[1])
    if not versions:
        return "no arrow crate was found in the tree: the check reads the wrong output"
    twice = [f"{name} {' and '.join(sorted(found))}" for name, found in versions.items() if len(found) > 1]
    return f"two versions in one wheel: {'; '.join(twice)}" if twice else None


def workflows(run: Run) -> None:
    """The hosted workflows against GitHub's schema, and against what goes wrong with them."""
    files = sorted(WORKFLOWS.glob("*.yml"))
    run.step(
        "schema of the workflows",
        [tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *files],
    )
    run.step("zizmor", [tool("zizmor"), "--offline", "--no-progress", "--persona", "pedantic", WORKFLOWS])


CARGO_TEST = ("cargo", "test", *RUST, "--profile", "ci")


def rust_tests(run: Run) -> None:
    """Cargo tests with nextest where it is there, and the examples in the documentation."""
    if shutil.which("cargo-nextest"):
        run.step(
            "cargo nextest",
            loopback(
                "cargo",
                "nextest",
                "run",
                *RUST,
                "--cargo-profile",
                "ci",
                "--no-tests",
                "pass",
                "--success-output",
                "immediate",
                "--no-fail-fast",
            ),
            count=count.nextest,
            verdict=data_left,
        )
    else:
        run.step(
            "cargo test",
            loopback(*CARGO_TEST, "--lib", "--bins", "--tests", "--no-fail-fast", "--", "--show-output"),
            count=count.cargo,
            verdict=data_left,
        )
    run.step("cargo test --doc", loopback(*CARGO_TEST, "--doc"), count=count.cargo)


def data_left(outcome: Outcome) -> str | None:
    """A test that leaves itself out although the market data is there is a failure on a build server."""
    if outcome.status:
        return f"status {outcome.status}"
    left = len(count.LEFT.findall(outcome.output))
    return f"{left} tests left themselves out although the data is there" if left and strict() else None


def strict() -> bool:
    """Whether a skipped data test is a failure: on a build server, with the data beside the checkout."""
    return os.environ.get("EXUVIA_STRICT_DATA") == "1" and market_data() is not None


def outside() -> Path:
    """A folder from which the source tree cannot be imported."""
    folder = BUILD / "outside"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def data_env() -> dict[str, str | None]:
    """Tells tests that run elsewhere where the data is."""
    data = market_data()
    return {"EXUVIA_DATA": str(data) if data else None}


def pytest(venv: Path, name: str, *arguments: str | Path) -> list[str | Path]:
    """A pytest command that imports the installed wheel, and writes a JUnit file."""
    return loopback(
        python_of(venv),
        "-P",
        "-m",
        "pytest",
        "-c",
        ROOT / "pyproject.toml",
        "--rootdir",
        ROOT,
        "-p",
        "no:cacheprovider",
        "--tb=short",
        f"--junitxml={BUILD / f'{name}.xml'}",
        "-q",
        *arguments,
    )


def python_tests(run: Run) -> None:
    """Pytest against the installed wheel."""
    report = BUILD / "pytest.xml"
    report.unlink(missing_ok=True)
    run.step(
        "pytest, the installed wheel",
        pytest(VENV, "pytest", ROOT / "tests_py", "-m", "not long", "-n", "2", "--dist", "loadfile"),
        cwd=outside(),
        env=data_env(),
        count=count.pytest(report),
    )


def bare_tests(run: Run, wheel: Path) -> None:
    """The smoke tests where only the wheel and what it requires are installed."""
    environment.bare(run, BARE, wheel)
    report = BUILD / "pytest-bare.xml"
    report.unlink(missing_ok=True)
    run.step(
        "pytest, bare environment",
        pytest(BARE, "pytest-bare", ROOT / "tests_py" / "test_bare.py", ROOT / "tests_py" / "test_wheel.py"),
        cwd=outside(),
        bare_env=environment.bare_env(BARE),
        count=count.pytest(report),
    )


def bot_tests(run: Run) -> None:
    """The legacy bot's own tests: it knows nothing of exuvia."""
    report = BUILD / "pytest-bot.xml"
    report.unlink(missing_ok=True)
    run.step(
        "pytest, the legacy bot",
        loopback(
            python_of(VENV),
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "--tb=short",
            f"--junitxml={report}",
            "-q",
            "tests",
        ),
        cwd=BOT,
        env=data_env(),
        count=count.pytest(report),
    )


def long_slice(run: Run) -> None:
    """A slice of the long tests: the same promises, a few seconds each."""
    report = BUILD / "pytest-slice.xml"
    report.unlink(missing_ok=True)
    run.step(
        "a slice of the long tests",
        pytest(VENV, "pytest-slice", ROOT / "tests_py", "-m", "long", "-n", "2"),
        cwd=outside(),
        env={**data_env(), "EXUVIA_LONG_SECONDS": "5"},
        timeout=SLICE_SECONDS,
        count=count.pytest(report),
    )


def demos(run: Run) -> None:
    """The demo as it is, and with each planted bug: then it must fail and say where."""
    command = loopback(python_of(VENV), DEMO)
    plain: dict[str, str | None] = {**data_env(), "PLANT": None, "DAYS": None, "SIMULATED": None}
    run.step("demo", command, env=plain, timeout=600, count=one)
    if market_data():
        run.step("demo, the simulated market", command, env={**plain, "SIMULATED": "1"}, timeout=600, count=one)
    for plant, named in PLANTS.items():
        run.step(
            f"demo, PLANT={plant}",
            command,
            env={**plain, "PLANT": plant},
            timeout=600,
            count=lambda outcome, named=named: count.Count(1) if caught(outcome, named) is None else count.Count(0, 1),
            verdict=lambda outcome, named=named: caught(outcome, named),
        )


def one(outcome: Outcome) -> count.Count:
    """The whole run is one test."""
    return count.Count(0, 1) if outcome.status else count.Count(1)


def caught(outcome: Outcome, named: tuple[str, str]) -> str | None:
    """What is wrong with the way in which a planted bug was reported.

    The demo ends with 1 and one sentence that names the unit and the path; it may be folded.
    """
    if outcome.status == 0:
        return "the planted bug went unnoticed: status 0"
    if outcome.status != 1 or "Traceback (most recent call last)" in outcome.output:
        return f"the demo broke instead of reporting the difference: status {outcome.status}"
    said = "".join(outcome.output.partition("the planted bug was found: ")[2].split())
    absent = [part for part in named if part not in said]
    return f"the sentence on the planted bug does not name {' and '.join(absent)}" if absent else None
