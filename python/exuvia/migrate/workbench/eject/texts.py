"""Requirements and commands in files that are no Python."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exuvia.migrate.workbench.eject.reading import lines_of, text_of
from exuvia.migrate.worth.source import SKIPPED

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.workbench.eject.ejection import Ejection

__all__ = ["LIMIT", "NAMED", "TEXTS", "named", "take_out"]

TEXTS = (".toml", ".txt", ".cfg", ".ini", ".yml", ".yaml", ".sh", ".service", ".in", ".md")
NAMED = ("Dockerfile", "Makefile", "Procfile", "crontab")
LIMIT = 1_000_000
_RUN = re.compile(
    r"(?:(?P<python>\S*python[\d.]*)\s+-m\s+)?\bexuvia\s+run\s+"
    r"(?:--(?:config|evidence)[= ]\S+\s+)*(?P<rest>-m\s+\S+|\S+\.py)"
)
_REQUIREMENT = re.compile(r"^\s*(?:-e\s+)?[\"']?exuvia(?:\[[^\]]*\])?(?:\s*[=<>~!@;].*?)?[\"']?\s*,?\s*(?:#.*)?$")
_IN_LIST = re.compile(
    r"""(?P<first>\[)?\s*(?P<quote>["'])exuvia(?:\[[^\]"']*\])?(?:\s*[=<>~!@;][^"']*)?(?P=quote)\s*,?(?P<after>\s*)"""
)


def named(root: Path) -> list[Path]:
    """Return the files of a project that may hold requirements and commands.

    Args:
        root: The project's folder.
    """
    found = []
    folders = [root]
    while folders:
        folder = folders.pop()
        for path in sorted(folder.iterdir()):
            if path.is_symlink():
                continue
            if path.is_dir():
                if path.name not in SKIPPED and not (path / "pyvenv.cfg").exists():
                    folders.append(path)
            elif path.suffix in TEXTS or path.name.startswith(NAMED):
                found.append(path)
    return found


def take_out(ejection: Ejection, path: Path) -> None:
    """Note the text of a file without the requirements and commands that are exuvia's.

    Args:
        ejection: Takes the text, and what is left to a person.
        path: The file.
    """
    if path.name == "exuvia.toml" or path.stat().st_size > LIMIT:
        return
    try:
        text = text_of(path)
    except UnicodeDecodeError:
        return
    if "exuvia" not in text:
        return
    lines = []
    goes_on = False
    for number, line in enumerate(lines_of(text), 1):
        whole = line.rstrip().removesuffix("\\")
        if goes_on or _REQUIREMENT.match(whole):
            # The digests of a requirement are on lines of their own, each tied to the one before.
            goes_on = line.rstrip().endswith("\\")
            continue
        new = (
            line
            if line.lstrip().startswith("#")
            else _RUN.sub(lambda found: f"{found['python'] or 'python'} {found['rest']}", line)
        )
        if path.suffix == ".toml":
            new = _IN_LIST.sub(lambda found: "[" if found["first"] else found["after"], new)
        if re.search(r"\bexuvia\b", new) and path.suffix != ".md" and not new.lstrip().startswith("#"):
            ejection.by_hand.append(f"{ejection.shown(path, number)}: {new.strip()[:90]}")
        lines.append(new)
    if "".join(lines) != text:
        ejection.changed[path] = "".join(lines)
