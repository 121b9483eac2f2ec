"""Measures exuvia beside its best peers, side by side in one run, and writes benches/RESULTS.md.

    python benches/run.py [--rounds N] [--only WORDS] [--rows FILE] [--out NAME] [--no-write]

Each row is a job with arms: exuvia, the peers at their best configuration, and perhaps a physical limit.
The arms get the same bytes, and their results are asserted to be equal before the clock starts. They run in
alternating rounds in a process of their own, once with one thread and once with all. A row below its goal is
printed like any other; nothing here fails by time. To add a row, write a function in `benches/rows/` and
decorate it with `@row`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from rows import ROWS, Job  # noqa: E402 - the path is set above

if TYPE_CHECKING:
    from collections.abc import Callable

EXTRA = ["scipy", "py_vollib", "py_vollib_vectorized", "QuantLib"]
PEERS = ["numpy", "pandas", "polars", "duckdb", "pyarrow", "arro3-core", "msgspec", "orjson", "wrapt", "laboratory"]
THREADS = {"one thread": "1", "all threads": str(os.cpu_count())}
DIRECT = "limit: called directly"
THREAD_SETTINGS = ["POLARS_MAX_THREADS", "OMP_NUM_THREADS", "EXUVIA_BENCH_THREADS"]


def load_rows(only: str = "") -> None:
    """Imports every module of rows, or one; importing registers them."""
    for path in sorted((HERE / "rows").glob(f"{only or '[a-z]*'}.py")):
        importlib.import_module(f"rows.{path.stem}")
    if not ROWS:
        sys.exit(f"benches/run.py: there is no file of rows {only!r} in {HERE / 'rows'}")


def peak_memory() -> int:
    """Peak resident memory of this process in bytes; 0 where the system does not tell."""
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def forget_peak() -> None:
    """Lets the peak start anew from what is resident now."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def measure(job: Job, rounds: int) -> dict[str, dict[str, float]]:
    """Times and memory of each arm; in the child process."""
    results = {name: arm() for name, arm in job.arms.items() if name not in job.limits}
    job.check(results)
    del results
    times: dict[str, list[float]] = {name: [] for name in job.arms}
    memory: dict[str, int] = {}
    for name, arm in job.arms.items():
        forget_peak()
        before = peak_memory()
        arm()
        memory[name] = peak_memory() - before
    calls = {name: 1 if job.timed else calls_of(arm) for name, arm in job.arms.items()}
    for _ in range(rounds):
        for name, arm in job.arms.items():
            if job.timed:
                times[name].append(arm() / job.per)
                continue
            start = time.perf_counter()
            for _ in range(calls[name]):
                arm()
            times[name].append((time.perf_counter() - start) / calls[name] / job.per)
    return {name: summary(values) | {"memory": memory[name]} for name, values in times.items()}


def calls_of(arm: Callable[[], Any]) -> int:
    """How often an arm is called in a round: short jobs until the clock's own cost is lost in it."""
    start = time.perf_counter()
    arm()
    return max(1, min(1_000, int(0.01 / max(time.perf_counter() - start, 1e-9))))


def summary(values: list[float]) -> dict[str, float]:
    """Least, median and 95th percentile."""
    ordered = sorted(values)
    high = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return {"min": ordered[0], "p50": statistics.median(ordered), "p95": high}


def in_child(name: str, rounds: int, threads: str, rows: str) -> dict[str, Any]:
    """Measures a row in a process of its own, so that the setting of threads is seen at import."""
    settings = os.environ | dict.fromkeys(THREAD_SETTINGS, threads)
    command = [sys.executable, __file__, "--child", name, "--rounds", str(rounds), "--rows", rows]
    done = subprocess.run(command, env=settings, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def child(name: str, rounds: int) -> None:
    """Prepares and measures one row; the answer is the last line printed."""
    job = ROWS[name].prepare()
    answer = {"skipped": job} if isinstance(job, str) else {"arms": measure(job, rounds), "limits": job.limits}
    print(json.dumps(answer))


def scaled(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if abs(seconds) >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def table(arms: dict[str, dict[str, float]], limits: list[str], goal: str) -> list[str]:
    """The arms of a row as Markdown, and what became of the goal."""
    ours = arms["exuvia"]
    lines = [
        "| arm | min | p50 | p95 | times exuvia's p50 | memory on top |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, arm in sorted(arms.items(), key=lambda item: item[1]["p50"]):
        times = " | ".join(scaled(arm[key]) for key in ("min", "p50", "p95"))
        ratio, memory = arm["p50"] / ours["p50"], arm["memory"] / 2**20
        lines.append(f"| {name} | {times} | {ratio:.2f}× | {memory:.1f} MiB |")
    return [*lines, "", f"**{goal[:1].upper()}{goal[1:]}** is the goal. {figures(arms, limits)}"]


def figures(arms: dict[str, dict[str, float]], limits: list[str]) -> str:
    """What stands beside the goal: what exuvia adds to a direct call, how it compares to each peer, else its time."""
    ours = arms["exuvia"]["p50"]
    said = []
    if DIRECT in limits:
        own = [name for name in arms if name.startswith("exuvia")]
        for name in own:
            least, median = (scaled(arms[name][key] - arms[DIRECT][key]) for key in ("min", "p50"))
            said.append(f"{name} adds {median} by p50, {least} by min")
    peers = {name: arm["p50"] for name, arm in arms.items() if name != "exuvia" and name not in limits}
    if peers:
        ratios = sorted((time / ours, name) for name, time in peers.items())
        said.append("exuvia is " + ", ".join(f"{ratio:.2f}× as fast as {name}" for ratio, name in ratios))
    if not said:
        said.append(f"exuvia takes {scaled(ours)}")
    return " ".join(f"{one}." for one in said)


def machine() -> list[str]:
    """What the numbers depend on."""
    build_info = importlib.import_module("exuvia").build_info()
    cpu = platform.processor() or "unknown"
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        cpu = next(line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name"))
    except OSError:
        pass
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in filter(installed, [*PEERS, *EXTRA]))
    facts = build_info if isinstance(build_info, dict) else vars(build_info)
    return [
        f"- Machine: {cpu}, {os.cpu_count()} CPUs, {platform.system()} {platform.machine()}; load at the end"
        f" {os.getloadavg()[0]:.1f}",
        f"- exuvia {facts['version']}, commit {facts['commit']}, profile {facts['profile']}",
        f"- Python {platform.python_version()}, {versions}",
    ]


def installed(name: str) -> bool:
    """Whether a peer that not every machine has is there."""
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def main() -> None:
    """Runs the rows and writes the results."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=15, help="alternating rounds of each row")
    arguments.add_argument("--only", default="", help="rows whose name contains this")
    arguments.add_argument("--rows", default="", help="one file of benches/rows/ alone, as dispatch")
    arguments.add_argument("--out", default="RESULTS.md", help="the file in benches/ that is written")
    arguments.add_argument("--no-write", action="store_true", help="leave it as it is")
    arguments.add_argument("--child", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    load_rows(options.rows)
    if options.child:
        child(options.child, options.rounds)
        return
    lines = [
        "# Results",
        "",
        "Written by `benches/run.py`; ratios count, times are those of this machine.",
        "",
    ]
    for name, row in ROWS.items():
        if options.only not in name:
            continue
        lines += [f"## {name}", ""]
        for label, threads in THREADS.items() if row.threaded else [("one thread", "1")]:
            answer = in_child(name, options.rounds, threads, options.rows)
            if "skipped" in answer:
                lines += [f"Skipped: {answer['skipped']}.", ""]
                break
            lines += [f"**{label}**", "", *table(answer["arms"], answer["limits"], row.goal), ""]
        lines += [*row.notes, ""] if row.notes else []
        print("\n".join(lines[lines.index(f"## {name}") :]), flush=True)
    lines[4:4] = [*machine(), ""]
    if not options.no_write and not options.only:
        (HERE / options.out).write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
