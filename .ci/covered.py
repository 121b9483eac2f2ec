"""`make coverage`: lines of the Rust and the Python half that the tests reach, against goals and a floor.

The Rust tests and the extension under pytest write LLVM profiles that are merged; coverage.py measures the
package. Test code itself does not count. Documentation examples of Rust are not measured (that needs a
nightly compiler), nor is what runs only in a build script.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import checks
import count
import environment
import needs
from places import BUILD, CI, COVERED, ROOT, VENV, bin_of, market_data, python_of
from steps import Run

if TYPE_CHECKING:
    from collections.abc import Iterator

OUT = BUILD / "coverage"
FLOOR = CI / "coverage.json"
GOALS = {"overall": 90.0, "rust/execution": 95.0, "rust/migrate": 95.0, "python/exuvia/migrate": 95.0}
SOUND = """
import pathlib, sqlite3, sys
files = sorted(pathlib.Path(sys.argv[1]).glob(".coverage.*"))
for file in files:
    try:
        with sqlite3.connect(file) as data:
            sound = data.execute("pragma integrity_check").fetchone() == ("ok",)
            data.execute("select count(*) from line_bits").fetchone()
    except sqlite3.Error:
        sound = False
    if not sound:
        file.unlink()
        print("left out", file.name)
"""
TESTS = re.compile(r"(^|/)(tests?|tests_rs|benches)(/|\.rs$)|_tests?\.rs$")


@dataclass
class Lines:
    """Lines that can run, and those that did."""

    all: int = 0
    hit: int = 0
    missing: dict[str, list[int]] = field(default_factory=dict)

    @property
    def percent(self) -> float:
        """Share of lines that ran, in percent."""
        return 100.0 * self.hit / self.all if self.all else 100.0


def everything() -> None:
    """Builds instrumented, runs both halves' tests, prints the table, compares with goals and floor."""
    needs.check()
    run = Run(env=environment.cargo_env())
    environment.development(run)
    tools = llvm_tools(run)
    raw = OUT / "raw"
    shutil.rmtree(raw, ignore_errors=True)
    raw.mkdir(parents=True)
    instrumented = {
        "RUSTC_WORKSPACE_WRAPPER": str(CI / "instrument"),
        "LLVM_PROFILE_FILE": str(raw / "%p-%m.profraw"),
    }
    objects = [*rust_objects(run, instrumented), extension(run, instrumented)]
    rust = rust_lines(run, tools, raw, objects)
    areas = {**rust, **python_lines(run)}
    judge(run, areas)
    run.end(totals=False)


def llvm_tools(run: Run) -> Path:
    """The folder of llvm-profdata and llvm-cov: rustup's component, else the package of the same LLVM."""
    verbose = run.call("rustc version", ["rustc", "--version", "--verbose"]).output
    host = re.search(r"^host: (\S+)", verbose, re.MULTILINE)
    wanted = major(verbose)
    component = Path(needs.says("rustc", "--print", "sysroot") or "/") / "lib" / "rustlib" / (host[1] if host else "")
    if (component / "bin" / "llvm-profdata").is_file():
        return component / "bin"
    run.must(
        "install the LLVM tools",
        [python_of(VENV), *environment.PIP, "--no-deps", "-r", CI / "requirements-coverage.txt"],
    )
    for program in VENV.glob("lib/python*/site-packages/llvm/bin/llvm-profdata"):
        if major(run.call("llvm version", [program, "--version"]).output) == wanted:
            return program.parent
    sys.exit(f"llvm-profdata of LLVM {wanted} was not found: run `rustup component add llvm-tools`")


def major(text: str) -> str:
    """The first part of the LLVM version that a program prints."""
    found = re.search(r"LLVM version:? (\d+)", text)
    return found[1] if found else "unknown"


def rust_objects(run: Run, instrumented: dict[str, str]) -> list[Path]:
    """Builds and runs the cargo tests; returns the test programs."""
    command = ["cargo", "test", *checks.RUST, "--profile", "ci", "--lib", "--bins", "--tests"]
    run.must("build the Rust tests, instrumented", [*command, "--no-run"], env=instrumented)
    listed = run.call("list the Rust tests", [*command, "--no-run", "--message-format", "json"], env=instrumented)
    programs = [
        Path(message["executable"])
        for line in listed.output.splitlines()
        if line.startswith("{") and (message := json.loads(line)).get("executable")
    ]
    run.step("Rust tests", checks.loopback(*command, "--no-fail-fast"), env={**instrumented, **checks.data_env()})
    return programs


def extension(run: Run, instrumented: dict[str, str]) -> Path:
    """Builds the instrumented wheel, runs pytest and the demo against it; returns the extension."""
    wheel = environment.build(run, "ci", OUT / "wheel", env=instrumented)
    environment.make_venv(run, COVERED, ["requirements.txt"], "install tools and peers")
    environment.install(run, COVERED, wheel)
    for old in OUT.glob(".coverage*"):
        old.unlink()
    env: dict[str, str | None] = {
        **checks.data_env(),
        **instrumented,
        "COVERAGE_FILE": str(OUT / ".coverage"),
        # Workers write nothing but what measures them.
        "EXUVIA_WORKER_MAY_WRITE": str(OUT),
        "EXUVIA_LONG_SECONDS": "5",
    }
    python, report = python_of(COVERED), BUILD / "pytest-coverage.xml"
    report.unlink(missing_ok=True)
    run.step(
        "pytest, instrumented",
        checks.loopback(
            python,
            "-P",
            "-m",
            "coverage",
            "run",
            "--rcfile",
            CI / "coverage.ini",
            "-m",
            "pytest",
            "-c",
            ROOT / "pyproject.toml",
            "--rootdir",
            ROOT,
            "-p",
            "no:cacheprovider",
            "-q",
            "-n",
            "2",
            "--dist",
            "loadfile",
            f"--junitxml={report}",
            ROOT / "tests_py",
        ),
        cwd=checks.outside(),
        env={**env, "EXUVIA_COVERAGE": "1"},
        count=count.pytest(report),
    )
    if checks.DEMO.is_file():
        run.step(
            "demo, instrumented",
            checks.loopback(python, "-m", "coverage", "run", "--rcfile", CI / "coverage.ini", checks.DEMO),
            env=env,
        )
    return next(iter(COVERED.glob("lib/python*/site-packages/exuvia/_exuvia*.so")))


def rust_lines(run: Run, tools: Path, raw: Path, objects: list[Path]) -> dict[str, Lines]:
    """Merges the profiles and adds up the lines of each crate."""
    merged, lcov = OUT / "rust.profdata", OUT / "rust.lcov"
    inputs = OUT / "profiles.txt"
    inputs.write_text("\n".join(str(path) for path in sorted(raw.glob("*.profraw"))), encoding="utf-8")
    # a process that was killed leaves a broken profile: only if all are broken something is wrong
    merge = [tools / "llvm-profdata", "merge", "-sparse", "-failure-mode=all", "-f", inputs, "-o", merged]
    run.must("merge the profiles", merge)
    # one export for each object: an object in which a function went unused would hide the counts of the others
    lines: dict[Path, dict[int, int]] = {}
    text = []
    for path in objects:
        done = run.call("export", [tools / "llvm-cov", "export", "-format=lcov", f"-instr-profile={merged}", path])
        if "no coverage data found" in done.output:
            continue  # a test binary with nothing of ours in it
        if done.status:
            sys.exit(f"llvm-cov export failed: see {done.log.relative_to(ROOT)}")
        text.append(done.output)
        for file, counts in read_lcov(done.output):
            known = lines.setdefault(file, {})
            for line, hits in counts.items():
                known[line] = max(known.get(line, 0), hits)
    lcov.write_text("".join(text), encoding="utf-8")
    areas: dict[str, Lines] = {}
    for file, counts in lines.items():
        crate = "/".join(file.parts[:2])
        area = areas.setdefault(crate, Lines())
        area.all += len(counts)
        area.hit += sum(1 for count in counts.values() if count)
        area.missing[str(file)] = [line for line, count in sorted(counts.items()) if not count]
    return areas


def read_lcov(text: str) -> Iterator[tuple[Path, dict[int, int]]]:
    """The files of our crates with the counts of their lines; tests inside a file are left out."""
    for block in text.split("end_of_record"):
        source = re.search(r"^SF:(.*)$", block, re.MULTILINE)
        if source is None or not Path(source.group(1)).is_relative_to(ROOT / "rust"):
            continue
        file = Path(source.group(1)).relative_to(ROOT)
        if TESTS.search(str(file)) or file.name == "build.rs":
            continue
        code = (ROOT / file).read_text(encoding="utf-8")
        tests = re.search(r"^#\[cfg\(test\)\]\n(?:#\[.*\n)*mod \w+ \{", code, re.MULTILINE)
        end = code.count("\n", 0, tests.start()) + 1 if tests else sys.maxsize
        pairs = (line.split(",")[:2] for line in re.findall(r"^DA:(.*)$", block, re.MULTILINE))
        yield file, {int(line): int(count) for line, count in pairs if int(line) < end}


def python_lines(run: Run) -> dict[str, Lines]:
    """Combines what coverage.py measured in all processes and adds up the lines of the package."""
    tool, report = bin_of(COVERED) / "coverage", OUT / "python.json"
    env: dict[str, str | None] = {"COVERAGE_FILE": str(OUT / ".coverage")}
    config = ["--rcfile", str(CI / "coverage.ini")]
    # a process that was killed may leave a broken file, which would break what it is combined with
    run.must("leave out broken data", [python_of(COVERED), "-c", SOUND, OUT])
    run.must("combine the Python data", [tool, "combine", *config, OUT], env=env)
    run.must("Python lines", [tool, "json", *config, "-o", report], env=env)
    areas = {"python/exuvia": Lines(), "python/exuvia/migrate": Lines()}
    for name, file in json.loads(report.read_text(encoding="utf-8"))["files"].items():
        area = areas["python/exuvia/migrate" if "/migrate/" in name else "python/exuvia"]
        area.all += file["summary"]["num_statements"]
        area.hit += file["summary"]["covered_lines"]
        area.missing[f"python/exuvia{name.partition('site-packages/exuvia')[2]}"] = file["missing_lines"]
    return areas


def judge(run: Run, areas: dict[str, Lines]) -> None:
    """Prints the table; fails below a goal or below the recorded floor; raises the floor."""
    total = Lines(sum(area.all for area in areas.values()), sum(area.hit for area in areas.values()))
    shown = {**dict(sorted(areas.items())), "overall": total}
    # the floor was recorded with the market data: without it only the goals are asked for
    known = market_data() is not None
    floor: dict[str, float] = json.loads(FLOOR.read_text(encoding="utf-8")) if known and FLOOR.is_file() else {}
    print(f"\n  {'lines':28} {'all':>7} {'run':>7} {'%':>7} {'floor':>7} {'goal':>6}")
    for name, area in shown.items():
        low, goal = floor.get(name, 0.0), GOALS.get(name, 0.0)
        print(f"  {name:28} {area.all:7} {area.hit:7} {area.percent:7.2f} {low or '':>7} {goal or '':>6}")
    listing = [f"{file}: {lines}" for area in areas.values() for file, lines in sorted(area.missing.items()) if lines]
    (OUT / "missing.txt").write_text("\n".join(listing) + "\n", encoding="utf-8")
    print(f"  lines that no test reached: {(OUT / 'missing.txt').relative_to(ROOT)}")
    for name, area in shown.items():
        if area.percent < floor.get(name, 0.0):
            run.fail(name, f"{area.percent:.2f} % of the lines, the recorded floor is {floor[name]} %")
        elif area.all and area.percent < GOALS.get(name, 0.0):
            run.fail(name, f"{area.percent:.2f} % of the lines, the goal is {GOALS[name]} %")
    raised = {name: max(floor.get(name, 0.0), int(area.percent * 10) / 10) for name, area in shown.items() if area.all}
    if known and not run.broken and raised != floor and not os.environ.get("CI"):
        FLOOR.write_text(json.dumps(raised, indent=2) + "\n", encoding="utf-8")
        print(f"  the floor was raised: commit {FLOOR.relative_to(ROOT)}")
