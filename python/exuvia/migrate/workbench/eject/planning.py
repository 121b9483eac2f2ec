"""The plan of an ejection, in the order in which one kind of file decides on the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exuvia.migrate.workbench.eject import artefacts, candidates, fixtures, repros, texts
from exuvia.migrate.workbench.eject.ejection import Ejection
from exuvia.migrate.workbench.eject.modules import Module
from exuvia.migrate.workbench.eject.reading import glimpsed, is_utf8
from exuvia.migrate.worth.source import files_of, parse

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.config import Config

__all__ = ["plan"]


def plan(root: Path, config: Config | None) -> Ejection:
    """Find everything that is exuvia's in a project; nothing is changed.

    Args:
        root: The project's folder.
        config: Its configuration, for the shims and the evidence; without it only code is looked at.
    """
    ejection = Ejection(root.resolve())
    files = files_of(ejection.root)
    shims, gone, own = candidates.sort(ejection, config, files)
    artefacts.reports(ejection)
    for path in (path for path in files if path not in gone):
        repros.decide(ejection, path, shims.legacy)
    for path in files:
        if path in gone or path in own or path in ejection.removed:
            continue
        tree = parse(path)
        text = glimpsed(path)
        names = {"exuvia", *(shim.partition(".")[0] for shim in (*shims.legacy, *shims.doubtful))}
        if tree is None:
            if any(name in text for name in names):
                ejection.by_hand.append(f"{ejection.shown(path)}: cannot be parsed, and names exuvia")
        elif any(name in text for name in names):
            Module(ejection, path, text, tree, shims).eject()
    for path in list(ejection.changed):
        if not is_utf8(path):
            del ejection.changed[path]
            shown = ejection.shown(path)
            ejection.by_hand.append(f"{shown}: names exuvia or a shim and is no UTF-8: write it as UTF-8 first")
    fixtures.name(ejection, [path for path in files if path not in {*gone, *own, *ejection.removed}])
    for path in texts.named(ejection.root):
        texts.take_out(ejection, path)
    for path in sorted(gone):
        ejection.remove(path, candidates.why_gone(path))
    if config is not None:
        artefacts.settings(ejection, config)
    return ejection
