"""`make test-long`: kills and soaks, many random cases, ignored Rust tests, mutants; writes docs/proof.md."""

from __future__ import annotations

import json
import os
import platform
import shutil
from typing import TYPE_CHECKING

import checks
import count
import environment
import needs
import newest
from places import BUILD, CI, ROOT, VENV, WHEELS, bin_of, market_data, python_of
from steps import Count, Run

if TYPE_CHECKING:
    from pathlib import Path

A_TEST_S = 3600
"""After that a single test is taken for hung."""
SECONDS = os.environ.get("EXUVIA_LONG_SECONDS") or "120"
CASES = os.environ.get("EXUVIA_CASES") or "20000"
MUTANT_MINUTES = float(os.environ.get("EXUVIA_MUTANT_MINUTES") or "30")
MUTANTS_VERSION = "27.1.0"
MUTATED = ("exuvia-execution", "exuvia-migrate", "exuvia-market")
PROOF = ROOT / "docs" / "proof.md"


def everything() -> None:
    """Runs the long tests and writes what they counted."""
    needs.check()
    run = Run(env=environment.cargo_env())
    environment.ready(run)
    rows: list[tuple[str, str, str]] = []
    report = BUILD / "pytest-long.xml"

    def row(name: str, how: str, before: Count) -> None:
        now = run.total
        done = Count(now.passed - before.passed, now.failed - before.failed, now.skipped - before.skipped)
        rows.append((name, how, str(done)))

    before = run.total
    report.unlink(missing_ok=True)
    counts = BUILD / "proof.jsonl"
    counts.unlink(missing_ok=True)
    run.step(
        "kills and soaks (pytest)",
        checks.pytest(VENV, "pytest-long", ROOT / "tests_py", "-m", "long", "-o", f"faulthandler_timeout={A_TEST_S}"),
        cwd=checks.outside(),
        env={**checks.data_env(), "EXUVIA_LONG_SECONDS": SECONDS, "EXUVIA_PROOF": str(counts)},
        count=count.pytest(report),
    )
    row("kills and soaks", f"`pytest -m long`, {SECONDS} s each", before)
    for line in counts.read_text(encoding="utf-8").splitlines() if counts.is_file() else ():
        what, number = json.loads(line)
        rows.append((f"— {what}", "in the above", f"{number:,}"))

    before = run.total
    report = BUILD / "pytest-cases.xml"
    report.unlink(missing_ok=True)
    run.step(
        "random cases (Hypothesis)",
        checks.pytest(
            VENV,
            "pytest-cases",
            ROOT / "tests_py",
            "-m",
            "not long",
            "-n",
            "2",
            "-o",
            f"faulthandler_timeout={A_TEST_S}",
        ),
        cwd=checks.outside(),
        env={**checks.data_env(), "EXUVIA_CASES": CASES},
        count=count.pytest(report),
    )
    row("Python suite, Hypothesis", f"{CASES} cases a property", before)

    before = run.total
    cargo = ["cargo", "test", *checks.RUST, "--profile", "ci", "--lib", "--bins", "--tests", "--no-fail-fast"]
    run.step(
        "random cases (proptest), ignored tests",
        checks.loopback(*cargo, "--", "--include-ignored"),
        env={**checks.data_env(), "PROPTEST_CASES": CASES, "EXUVIA_LONG_SECONDS": SECONDS},
        count=count.cargo,
    )
    row("Rust suite, proptest, ignored tests too", f"{CASES} cases a property", before)

    before = run.total
    if stable_abi(run):
        row("wheel with the stable ABI", "built, used, audited", before)
    else:
        rows.append(("wheel with the stable ABI", "needs Python 3.12 or newer", "not run"))

    rows.append(("mutants of " + ", ".join(MUTATED), "cargo-mutants", mutants(run)))
    write(run, rows)
    run.end()


def stable_abi(run: Run) -> bool:
    """Builds the wheel for Python 3.12 and later where one is at hand, uses it there, audits it."""
    python = newest.python()
    if python is None:
        run.skip("wheel with the stable ABI", "no Python 3.12 or newer was found: name one in ABI3_PYTHON")
        return False
    run.must("install abi3audit", [python_of(VENV), *environment.PIP, "abi3audit", "-c", CI / "constraints.txt"])
    out = newest.wheel(run, python, "ci", WHEELS / "abi3")
    run.step("use it", [python, CI / "smoke.py", out], count=checks.one)
    run.step("audit it", [bin_of(VENV) / "abi3audit", "--strict", *out.glob("exuvia-*.whl")], count=checks.one)
    return True


def mutants(run: Run) -> str:
    """Changes the code in small ways and counts how many changes a test notices."""
    if MUTANT_MINUTES <= 0:
        return "not run"
    program = shutil.which("cargo-mutants")
    if program is None:
        tools = BUILD / "tools"
        if not (tools / "bin" / "cargo-mutants").is_file():
            run.must(
                "install cargo-mutants",
                [
                    "cargo",
                    "install",
                    "--locked",
                    "--version",
                    MUTANTS_VERSION,
                    "--root",
                    tools,
                    "cargo-mutants",
                ],
            )
        program = str(tools / "bin" / "cargo-mutants")
    out = BUILD / "mutants"
    tree = out / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.rmtree(out / "mutants.out", ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    run.must("clone for the mutants", ["git", "clone", "--quiet", "--local", ROOT, tree])
    packages = [part for name in MUTATED for part in ("--package", name)]
    # Most of what would notice a mutant stands in the crate of the tests.
    packages += [part for name in (*MUTATED, "exuvia-tests-rs") for part in ("--test-package", name)]
    run.call(
        "mutants",
        [
            program,
            "mutants",
            *packages,
            "--output",
            out,
            "--profile",
            "ci",
            "--in-place",
            "--shuffle",
            "--timeout",
            "120",
            "--baseline",
            "skip",
        ],
        cwd=tree,
        env={**checks.data_env(), "CARGO_TARGET_DIR": str(out / "target")},
        timeout=60 * MUTANT_MINUTES,
    )
    return caught(run, out / "mutants.out" / "outcomes.json")


def caught(run: Run, outcomes: Path) -> str:
    """Reads cargo-mutants' result."""
    if not outcomes.is_file():
        run.fail("mutants", "no result was written: see build/logs/mutants.log")
        return "no result"
    found = json.loads(outcomes.read_text(encoding="utf-8"))
    tried = found["caught"] + found["missed"] + found["timeout"]
    share = 100 * (found["caught"] + found["timeout"]) / tried if tried else 0.0
    run.line("ok", "mutants", 0.0, f"{tried} tried, {share:.1f} % noticed")
    return f"{tried} tried, {found['caught']} noticed, {found['timeout']} hung, {found['missed']} missed"


def write(run: Run, rows: list[tuple[str, str, str]]) -> None:
    """docs/proof.md: what was run, on which commit and machine."""
    date = environment.git("log", "-1", "--format=%cs")
    head = environment.git("describe", "--always", "--dirty", "--abbrev=12") or "unknown"
    python = platform.python_version()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {python}"
    left = [name for name, _, counts in rows if counts == "not run"]
    result = ["failed: " + ", ".join(run.broken) if run.broken else "all green"]
    result += [f"left out: {', '.join(left)}"] if left else []
    table = "\n".join(f"| {name} | {how} | {result} |" for name, how, result in rows)
    PROOF.write_text(
        f"""# Proof

Written by `make test-long`; edit nothing here by hand.

- commit: `{head}` of {date}
- machine: {machine}
- market data: {"there" if market_data() else "not there"}
- result: {"; ".join(result)}

| what | how | counts |
|---|---|---|
{table}
""",
        encoding="utf-8",
    )
