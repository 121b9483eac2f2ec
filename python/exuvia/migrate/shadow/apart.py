"""Starts a process for what loads the program's modules a second time; such a process puts the fence up first.

Where modules are found does not depend on how exuvia was started: the configuration's folder comes first, then the
working directory, then this process's path.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.migrate.own import json, os, subprocess
from exuvia.migrate.shadow import fence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["TIMEOUT_S", "answer", "last_words", "run"]

TIMEOUT_S = 60.0


def run(
    module: str,
    words: Sequence[str],
    folder: Path,
    *,
    given: str = "",
    more: Sequence[str] = (),
    timeout_s: float = TIMEOUT_S,
) -> Any:
    """Run a module of exuvia in a process of its own, with a private folder as its last argument.

    Args:
        module: The module, which puts up the fence before it loads anything.
        words: Its arguments.
        folder: The configuration's folder, where it runs.
        given: What it reads from standard input.
        more: Folders in which modules are found too.
        timeout_s: After this it is killed.

    Raises:
        subprocess.TimeoutExpired: If it took longer.
    """
    paths = dict.fromkeys([str(folder), *more, str(Path.cwd()), *(entry for entry in sys.path if entry)])
    with tempfile.TemporaryDirectory(prefix="exuvia-apart-") as private:
        return subprocess.run(
            [sys.executable, "-m", module, *words, private],
            input=given, capture_output=True, text=True, timeout=timeout_s, check=False,
            cwd=folder, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )  # fmt: skip


def last_words(done: Any) -> str:
    """Return the last line that such a process wrote to standard error.

    Args:
        done: The process, which has ended.
    """
    return str((done.stderr.strip().splitlines() or ["nothing was said"])[-1])


def answer(folder: str, work: Callable[[], object]) -> None:
    """In such a process: do the work inside of the fence, say what it found, and end without what waits for the exit.

    Args:
        folder: The private folder.
        work: Returns plain values, which are written as a line of JSON; it may load the program's modules.
    """
    # Kept apart: what a module prints as it is loaded is not what was found.
    said = os.dup(1)
    os.dup2(2, 1)
    fence.put_up(folder)
    code = 1
    try:
        os.write(said, (json.dumps(work()) + "\n").encode())
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        fence.leave(code)
