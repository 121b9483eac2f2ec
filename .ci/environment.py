"""Makes the environments and the wheel, each only when something that it is made from has changed.

A stamp beside the result holds the hash of its sources; an equal hash means that there is nothing to do.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

from places import BUILD, CI, ROOT, VENV, WHEELHOUSE, WHEELS, base_python, python_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from steps import Run

SOURCES = (
    "Cargo.toml",
    "Cargo.lock",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "rust",
    "python",
    ".cargo/config.toml",
)
PIP = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet")


def digest(paths: Iterable[Path], *more: str) -> str:
    """SHA-256 over names and contents of files (folders are walked) and over some text."""
    total = hashlib.sha256("\0".join(more).encode())
    for path in paths:
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts and file.suffix not in {".so", ".pyd"}:
                total.update(str(file.relative_to(ROOT)).encode() + b"\0")
                total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def fresh(stamp: Path, sources: str) -> bool:
    """Whether the stamp was written for these sources."""
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == sources


def seal(stamp: Path, sources: str) -> None:
    """Writes the stamp of a finished piece of work."""
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(sources, encoding="utf-8")


def git(*command: str) -> str:
    """What git says, or nothing where there is no git or no repository."""
    if shutil.which("git") is None:
        return ""
    done = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def commit() -> str:
    """The last commit that changed what the wheel is made from, with -dirty if it was changed since.

    A commit that touches only documents leaves it, and so the binary, as it was.
    """
    name = git("log", "-1", "--format=%h", "--abbrev=12", "--", *SOURCES)
    if not name:
        return "unknown"
    return f"{name}-dirty" if git("status", "--porcelain", "--", *SOURCES) else name


def cargo_env(venv: Path = VENV) -> dict[str, str]:
    """Variables under which every cargo call runs, so that all of them share one set of artefacts.

    Those of PyO3 are what maturin sets: with others, clippy and the wheel would undo each other's work.
    """
    python = str(python_of(venv))
    bits = struct.calcsize("P") * 8
    return {
        "EXUVIA_COMMIT": commit(),
        "PYO3_PYTHON": python,
        "PYTHON_SYS_EXECUTABLE": python,
        "PYO3_BUILD_EXTENSION_MODULE": "1",
        "PYO3_ENVIRONMENT_SIGNATURE": f"cpython-{sys.version_info[0]}.{sys.version_info[1]}-{bits}bit",
        "CARGO_TERM_COLOR": "never",
        "CARGO_INCREMENTAL": "0",
    }


def make_venv(run: Run, venv: Path, requirements: Sequence[str], label: str, *, offline: bool = False) -> None:
    """An environment with the pinned packages of some requirement files."""
    files = [CI / name for name in (*requirements, "constraints.txt")]
    sources = digest(files, sys.version, base_python(), str(offline))
    stamp = venv / "exuvia-stamp"
    if fresh(stamp, sources):
        return
    shutil.rmtree(venv, ignore_errors=True)
    run.must(f"make {venv.name}", [base_python(), "-m", "venv", venv])
    source = ["--no-index", "--find-links", WHEELHOUSE] if offline else ["--prefer-binary"]
    named = [part for name in requirements for part in ("-r", CI / name)]
    run.must(label, [python_of(venv), *PIP, *source, *named, "-c", CI / "constraints.txt"])
    seal(stamp, sources)


def development(run: Run) -> None:
    """`.venv/`: build tools, test tools, the bot's packages and the peers."""
    make_venv(run, VENV, ["requirements.txt"], "install tools and peers")


def build(run: Run, profile: str, out: Path, *, venv: Path = VENV, env: Mapping[str, str] | None = None) -> Path:
    """The wheel of a profile, built only if the sources have changed."""
    sources = digest(
        [ROOT / name for name in SOURCES], profile, commit(), sys.version, str(sorted((env or {}).items()))
    )
    stamp = out / "exuvia-stamp"
    wheels = sorted(out.glob("exuvia-*.whl"))
    if fresh(stamp, sources) and len(wheels) == 1:
        return wheels[0]
    for old in (stamp, *wheels):
        old.unlink(missing_ok=True)
    python = python_of(venv)
    run.must(
        f"build the wheel, profile {profile}",
        [python, "-m", "maturin", "build", "--profile", profile, "--locked", "-i", python, "-o", out],
        env={**cargo_env(venv), **(env or {})},
    )
    wheels = sorted(out.glob("exuvia-*.whl"))
    seal(stamp, sources)
    return wheels[0]


def install(run: Run, venv: Path, wheel: Path) -> None:
    """Puts the wheel, and nothing else, into an environment whose packages are there already."""
    content = hashlib.sha256(wheel.read_bytes()).hexdigest()
    stamp = venv / "exuvia-installed"
    if fresh(stamp, content):
        return
    stamp.unlink(missing_ok=True)
    run.must(
        f"install the wheel in {venv.name}",
        [python_of(venv), *PIP, "--force-reinstall", "--no-deps", "--no-index", wheel],
    )
    seal(stamp, content)


def ready(run: Run, profile: str = "ci") -> Path:
    """`.venv/` with the wheel in it: what the demo and the tests start from."""
    development(run)
    wheel = build(run, profile, WHEELS / profile)
    install(run, VENV, wheel)
    return wheel


def bare(run: Run, venv: Path, wheel: Path) -> None:
    """An environment with the wheel, its own requirements and the test runner, made without an index."""
    names = ["requirements-bare.txt", "constraints.txt"]
    sources = digest([CI / name for name in names], sys.version, hashlib.sha256(wheel.read_bytes()).hexdigest())
    if not fresh(WHEELHOUSE / "exuvia-stamp", sources):
        shutil.rmtree(WHEELHOUSE, ignore_errors=True)
        run.must(
            "download the bare wheelhouse",
            [
                python_of(VENV),
                "-m",
                "pip",
                "--disable-pip-version-check",
                "download",
                "--quiet",
                "--only-binary",
                ":all:",
                "-d",
                WHEELHOUSE,
                "-r",
                CI / names[0],
                "-c",
                CI / names[1],
                wheel,
            ],
        )
        seal(WHEELHOUSE / "exuvia-stamp", sources)
    shutil.rmtree(venv, ignore_errors=True)
    run.must(f"make {venv.name}", [base_python(), "-m", "venv", venv])
    run.must(
        "install the wheel without an index",
        [python_of(venv), *PIP, "--no-index", "--find-links", WHEELHOUSE, "-r", CI / names[0], wheel],
        bare_env=bare_env(venv),
    )


def bare_env(venv: Path) -> dict[str, str]:
    """An environment in which neither cargo nor an index can be found."""
    home = BUILD / "bare-home"
    home.mkdir(parents=True, exist_ok=True)
    keep = {name: os.environ[name] for name in ("LANG", "LC_ALL", "SYSTEMROOT", "EXUVIA_DATA") if name in os.environ}
    return {
        **keep,
        "PATH": str(python_of(venv).parent),
        "HOME": str(home),
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PYTHONDONTWRITEBYTECODE": "1",
        "EXUVIA_BARE": "1",
    }
