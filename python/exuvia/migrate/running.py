"""`exuvia run`: a program under exuvia, as the interpreter itself would run it."""

from __future__ import annotations

import builtins
import runpy
import sys
import types
import zipfile
from dataclasses import replace
from importlib.machinery import SourceFileLoader
from pathlib import Path

__all__ = ["execute", "find_as_python_does", "run"]

OURS = (
    __file__,
    runpy.__file__,
    "<frozen runpy>",
    "<frozen importlib._bootstrap>",
    "<frozen importlib._bootstrap_external>",
)
"""Files whose frames the interpreter would not have at the top of a traceback."""


def run(config: str | None, evidence: str | None, program: str, arguments: list[str], *, is_module: bool) -> int:
    """Install the units, then run a module or script as `__main__`.

    Args:
        config: The configuration file, or `None` to find it.
        evidence: Instead of the configuration's evidence folder.
        program: Module name or script path.
        arguments: What the program sees in `sys.argv`.
        is_module: Whether `program` is a module.

    Returns:
        The program's exit code.

    Raises:
        ConfigError: For a broken configuration; the program is not started then.
        MigrateError: If a unit cannot be moved safely, or is to serve in rust and the extension does not load.
    """
    find_as_python_does(program, is_module=is_module)
    from exuvia.migrate import starting  # noqa: PLC0415 - a program may be run without the moult

    loaded = starting.load(config)
    if evidence is not None:
        loaded = replace(loaded, evidence=Path(evidence).absolute())
    starting.install(loaded)
    return execute(program, arguments, is_module=is_module)


def find_as_python_does(program: str, *, is_module: bool) -> None:
    """Let the program's modules be found as the interpreter lets them: from this folder, or the script's.

    Args:
        program: Module name or script path.
        is_module: Whether `program` is a module.
    """
    sys.path[0] = str(Path.cwd()) if is_module else str(Path(program).resolve().parent)


def execute(program: str, arguments: list[str], *, is_module: bool) -> int:
    """Run a module or script as `__main__`; what it raises is shown as the interpreter shows it.

    Args:
        program: Module name or script path.
        arguments: What the program sees in `sys.argv`.
        is_module: Whether `program` is a module.

    Returns:
        The program's exit code.
    """
    sys.argv = [program, *arguments]
    try:
        if is_module:
            runpy.run_module(program, run_name="__main__", alter_sys=True)
        else:
            _run_file(program)
    except SystemExit as leaving:
        if leaving.code is None or isinstance(leaving.code, int):
            return leaving.code or 0
        if sys.stderr is not None:
            print(leaving.code, file=sys.stderr)  # noqa: T201 - what the interpreter does with it
        return 1
    except BaseException as error:
        # The program's own error: shown as the interpreter shows it, without the frames of exuvia.
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename in OURS:
            trace = trace.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _run_file(program: str) -> None:
    """Run a script as the interpreter does: its file by its whole path, with a loader, in no package.

    What is no file of source, a folder or an archive with a `__main__` or a compiled file, is for `runpy`.

    Args:
        program: The script's path.
    """
    path = Path(program).absolute()
    if not path.is_file() or path.suffix == ".pyc" or zipfile.is_zipfile(path):
        runpy.run_path(program, run_name="__main__")
        return
    loader = SourceFileLoader("__main__", str(path))
    code = loader.source_to_code(loader.get_data(str(path)), str(path))
    made = types.ModuleType("__main__", None)
    # As the interpreter leaves them for a script.
    vars(made).update(__annotations__={}, __builtins__=builtins, __cached__=None, __file__=str(path), __loader__=loader)
    # For good: what runs at the exit finds it there.
    sys.modules["__main__"] = made
    exec(code, vars(made))  # noqa: S102 - it is what was asked for
