"""Which binary is this? What evidence, bug reports and the test suite name.

A stale extension answers for code that is not there any more: `build_info` hashes the file that
was really loaded, and `check_build` compares it with the wheel's own RECORD.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.machinery
import sys
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TypedDict

from exuvia import _exuvia
from exuvia.errors import ExuviaError

__all__ = ["BuildInfo", "build_info", "check_build"]


class BuildInfo(TypedDict):
    """What `build_info` returns."""

    version: str
    """Version of the package."""
    commit: str
    """Commit that was built, with `-dirty` if the tree had changes."""
    profile: str
    """Cargo profile: `release` (fat LTO), `ci`, or another."""
    target: str
    """Target triple."""
    abi: str
    """`abi3` (one binary for 3.12 and later) or the tag of the one version, such as `cpython-311`."""
    cpu: str
    """Widest instruction set that the kernels use on this machine."""
    formats: dict[str, int]
    """Format versions that this build writes, by kind of file."""
    zone_data: str
    """Version of the IANA zone data that is compiled in."""
    build_id: str
    """The linker's id of the extension as it was loaded, in hex; empty where there is none."""
    extension: str
    """Path of the loaded extension."""
    sha256: str
    """SHA-256 of the loaded extension, in hex."""


@lru_cache(maxsize=1)
def _sha256(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def build_info() -> BuildInfo:
    """Names the extension that is loaded: version, commit, profile, CPU path, formats, SHA-256.

    Returns:
        A dict of plain values, ready for JSON.

    Example:
        >>> from exuvia import build_info
        >>> len(build_info()["sha256"])
        64
    """
    return build_facts(_sha256(str(_exuvia.__file__)))


def build_facts(sha256: str) -> BuildInfo:
    """Names the extension that is loaded as `build_info` does, its SHA-256 being known already.

    Args:
        sha256: Of its file, in hex.
    """
    path = str(_exuvia.__file__)
    facts = _exuvia.build_facts()
    return BuildInfo(
        version=facts["version"],
        commit=facts["commit"],
        profile=facts["profile"],
        target=facts["target"],
        abi="abi3" if ".abi3." in path else str(sys.implementation.cache_tag),
        cpu=facts["cpu"],
        formats={"evidence": 1, "modes": 1, "state": 1},
        zone_data=facts["zone_data"],
        build_id=_exuvia.build_id() or "",
        extension=path,
        sha256=sha256,
    )


def check_build() -> None:
    """Refuses a stale or doubled extension.

    Raises:
        ExuviaError: the loaded file is not the one in the wheel's RECORD, or a second `_exuvia`
            lies on the path.

    Example:
        >>> from exuvia.build import check_build
        >>> check_build()
    """
    loaded = Path(str(_exuvia.__file__)).resolve()
    others = [path for path in _extensions() if path != loaded]
    if others:
        listed = ", ".join(str(path) for path in others)
        raise ExuviaError(f"a second exuvia extension lies on the path: {listed}; {loaded} is loaded: remove the other")
    record = next((f for f in metadata.files("exuvia") or [] if Path(str(f.locate())).resolve() == loaded), None)
    if record is None or record.hash is None:
        raise ExuviaError(f"{loaded} is not in the RECORD of the installed wheel: install exuvia with pip")
    digest = base64.urlsafe_b64decode(record.hash.value + "==").hex()
    if digest != _sha256(str(loaded)):
        raise ExuviaError(
            f"{loaded} is not the file that the wheel brought (RECORD says {digest[:12]}…): reinstall exuvia"
        )


def _extensions() -> list[Path]:
    """Every `_exuvia` extension that an import could find, in `exuvia/` folders on the path."""
    found: list[Path] = []
    for entry in sys.path:
        for folder in (Path(entry or "."), Path(entry or ".") / "exuvia"):
            for suffix in importlib.machinery.EXTENSION_SUFFIXES:
                found += [path.resolve() for path in folder.glob(f"_exuvia{suffix}")]
    return sorted(set(found))
