"""What must be on the machine before anything is built, and what to install if it is not.

`check()` looks for a compiler, cargo, a linker and the venv module; it prints what is missing with
the command that brings it, and ends the run with status 2.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib

from places import ROOT

RUST_HOW = (
    "install it from https://rustup.rs, or with `apt-get install rustup && rustup default stable`"
    " (Debian 13, Ubuntu 24.04 or newer)"
)


def rust_version() -> tuple[int, ...]:
    """The oldest Rust that the workspace admits, from Cargo.toml."""
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    return version(manifest["workspace"]["package"]["rust-version"])


def version(text: str) -> tuple[int, ...]:
    """The first dotted number in a text.

    >>> version("cargo 1.95.0 (f2d3ce0bd 2026-03-21)")
    (1, 95, 0)
    """
    found = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


def says(*command: str) -> str | None:
    """The first line that a program prints, or None if it is not there or fails."""
    if shutil.which(command[0]) is None:
        return None
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.partition("\n")[0] if done.returncode == 0 else None


def missing(components: tuple[str, ...] = ()) -> list[str]:
    """Sentences about what is missing or too old, each with what to do."""
    problems: list[str] = []
    wanted = ".".join(str(part) for part in rust_version())
    cargo = says("cargo", "--version")
    if cargo is None:
        problems.append(f"cargo (Rust {wanted} or newer) was not found: {RUST_HOW}")
    elif version(cargo) < rust_version():
        problems.append(f"Rust {wanted} or newer is needed, found `{cargo}`: run `rustup update stable`, or {RUST_HOW}")
    else:
        problems += [
            f"cargo {part} was not found: run `rustup component add {package}`"
            for part, package in (("fmt", "rustfmt"), ("clippy", "clippy"))
            if part in components and says("cargo", part, "--version") is None
        ]
    compiler = os.environ.get("CC", "cc")
    if says(compiler, "--version") is None:
        problems.append(
            f"a C compiler ({compiler}) was not found: it builds zstd and links the extension; run"
            " `apt-get install gcc libc6-dev` (Debian, Ubuntu), `dnf install gcc` (Fedora)"
            " or `xcode-select --install` (macOS)"
        )
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        problems.append(
            f"{sys.executable} has no venv module: run `apt-get install python3-venv` (Debian, Ubuntu),"
            " or choose another interpreter with make PYTHON=/path/to/python3.11"
        )
    return problems


def check(components: tuple[str, ...] = ()) -> None:
    """Ends the run with status 2 and the list of what to install, if anything is missing."""
    problems = missing(components)
    if problems:
        print("exuvia cannot be built on this machine yet:", file=sys.stderr)
        for problem in problems:
            print(f"  - {problem}", file=sys.stderr)
        sys.exit(2)
