"""What the tests of `exuvia eject` share: a project whose unit names a candidate, and what is in a folder."""

from __future__ import annotations

from pathlib import Path

__all__ = ["OWN", "candidate", "tree"]

OWN = "def fast(n):\n    return 2 * n  # written by hand\n"


def tree(folder: Path) -> dict[str, str]:
    paths = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_text(errors="replace") for path in paths}


def candidate(folder: Path, named: str, *more: str) -> None:
    """A project whose unit names a candidate."""
    (folder / "lib.py").write_text("def slow(n: int) -> int:\n    return 2 * n\n")
    (folder / "exuvia.toml").write_text(f'[unit."lib:slow"]\ncandidate = "{named}"\neffect = "pure"\n' + "".join(more))
    (folder / "exuvia.toml").chmod(0o600)
