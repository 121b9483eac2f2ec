"""One run of the bot as a process: started, watched, timed, its artefacts read back."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import exuvia.lake
from exuvia.venues import SaxoVenue

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
BOT = HERE.parent / "legacy_bot"
LIMIT_S = 1800
_PROGRESS = re.compile(r"progress (\d+) (\d+)")


@dataclass
class Run:
    """What one run of the bot left behind, and where its time went."""

    name: str
    folder: Path
    wall_s: float
    cpu_s: float
    peak_mb: float
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def compute_s(self) -> float:
        """Seconds of the bot's loop outside of sockets, by the bot's own clock."""
        return float(self.summary["compute_s"])

    @property
    def waiting_s(self) -> float:
        """Seconds in HTTP and WebSocket calls: the venue's turn, and the clients' own work."""
        return float(self.summary["wait_s"])

    @property
    def start_s(self) -> float:
        """The rest: interpreter, imports, connecting."""
        return max(self.wall_s - self.compute_s - self.waiting_s, 0.0)

    @property
    def trades(self) -> int:
        """Closed trades of all scenarios."""
        return sum(self.summary["closed_trades"].values())

    def figures(self) -> dict[str, Any]:
        """What the report shows of this run: times, counts, equity and the digest of its artefacts."""
        counts = {name: self.summary[name] for name in ("ticks", "bars", "scans", "rejects", "cancels")}
        equity = {f"equity, {name}": value for name, value in self.summary["equity"].items()}
        times = {
            name: round(getattr(self, name), 3) for name in ("wall_s", "compute_s", "waiting_s", "start_s", "cpu_s")
        }
        shown = {"closed trades": self.trades, **counts, **equity, "digest": digest(self.folder)[:16]}
        return {"name": self.name, **times, "peak_mb": round(self.peak_mb, 1), **shown}


class BotFailedError(RuntimeError):
    """The bot's process ended with another code than 0."""


def run_bot(
    name: str,
    source: str,
    folder: Path,
    launcher: list[str],
    progress: Callable[[int, int], None],
) -> Run:
    """Runs the bot against a fresh lock-step venue and waits for its end.

    Args:
        name: What the run is called in the report.
        source: Tick source of the venue, `lean:…` or `sim:…`.
        folder: Where the bot writes; made anew.
        launcher: Arguments after `python`, up to the bot's own.
        progress: Called with (ticks done, ticks in all).

    Returns:
        Times and artefacts.

    Raises:
        BotFailedError: with the end of the bot's output.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(BOT), str(HERE)]), "PYTHONHASHSEED": "0"}
    with SaxoVenue(source) as venue:
        command = [
            sys.executable,
            *launcher,
            "--url",
            venue.url,
            "--out",
            str(folder),
            "--scenarios",
            str(BOT / "scenarios"),
            "--progress",
        ]
        started = time.monotonic()
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        guard = threading.Timer(LIMIT_S, process.kill)
        guard.start()
        tail: list[str] = []
        try:
            for line in process.stdout or ():
                if found := _PROGRESS.search(line):
                    progress(int(found[1]), int(found[2]))
                else:
                    tail = [*tail[-40:], line.rstrip()]
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            guard.cancel()
            if process.stdout:
                process.stdout.close()
            if process.returncode is None:
                process.kill()
                process.wait()
        wall = time.monotonic() - started
    if process.returncode:
        raise BotFailedError(f"{name}: the bot ended with {process.returncode}:\n" + "\n".join(tail[-25:]))
    summary = json.loads((folder / "summary.json").read_text())
    return Run(name, folder, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, summary)


ARTEFACTS = ("trades.jsonl", "equity.jsonl", "orders.jsonl", "state.json")


def artefacts(folder: Path) -> dict[str, str]:
    """Digest of every artefact of a run: of the bytes of a text, of the rows of a Parquet file."""
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ARTEFACTS}
    for path in sorted(folder.glob("bars/**/*.parquet")):
        # Written anew, so that the digest is of the rows and not of who wrote them.
        rows = exuvia.lake.encode_parquet(exuvia.lake.read_parquet(path))
        digests[path.relative_to(folder).as_posix()] = hashlib.sha256(rows).hexdigest()
    return digests


def digest(folder: Path) -> str:
    """One digest over all artefacts of a run."""
    return hashlib.sha256("\n".join(f"{k} {v}" for k, v in artefacts(folder).items()).encode()).hexdigest()


def differences(left: Path, right: Path) -> list[str]:
    """Every artefact of two runs, compared: text by byte, Parquet by row and bit.

    Returns:
        One sentence for each difference, naming file, place and both values; empty if equal.
    """
    found: list[str] = []
    for name in ARTEFACTS:
        a, b = (left / name).read_text().splitlines(), (right / name).read_text().splitlines()
        if len(a) != len(b):
            found.append(f"{name}: {len(a)} lines against {len(b)}")
        found += [f"{name}:{i + 1}: {x} against {y}" for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y][:3]
    files = sorted(p.relative_to(left) for p in left.glob("bars/**/*.parquet"))
    if not files:
        found.append(f"{left}: no Parquet file was written")
    if files != sorted(p.relative_to(right) for p in right.glob("bars/**/*.parquet")):
        found.append("bars: the two runs wrote different files")
        return found
    for name in files:
        verdict = exuvia.lake.compare(left / name, right / name)
        found += [f"{name}: {d.path}: {d.left} against {d.right}" for d in verdict.differences[:3]]
    if not found and artefacts(left) != artefacts(right):
        found.append("the digests differ although no difference was found: this is a defect of the demo")
    return found


def parity(left: Run, right: Run) -> list[dict[str, Any]]:
    """The report's rows: each artefact with the digest of both sides."""
    a, b = artefacts(left.folder), artefacts(right.folder)
    return [
        {
            "what": name,
            "legacy": a.get(name, "missing")[:16],
            "rust": b.get(name, "missing")[:16],
            "equal": a.get(name) == b.get(name),
        }
        for name in sorted(a | b)
    ]
