"""`exuvia run` runs a script as the interpreter itself does."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

SAYS = """
import atexit, os, pickle, sys
from __main__ import __file__ as again
class Mine: pass
print(__name__, __file__, __package__, __spec__, __doc__, __cached__, __annotations__, type(__builtins__).__name__)
print(type(__loader__).__name__, __loader__.name, __loader__.path, again == __file__, sys.argv, sorted(globals()))
print(sys.modules["__main__"].__dict__ is globals(), type(sys.modules["__main__"]).__name__)
os.chdir("/")
print(os.path.exists(__file__), pickle.loads(pickle.dumps(Mine())).__class__ is Mine)
atexit.register(lambda: print("at exit", pickle.loads(pickle.dumps(Mine())).__class__ is Mine))
"""


def both(folder: Path, *words: str, **more: Any) -> tuple[subprocess.CompletedProcess[str], ...]:
    """What the interpreter does, and what `exuvia run` does."""
    return tuple(
        subprocess.run(
            [sys.executable, *way, *words], cwd=folder, check=False, capture_output=True, text=True, timeout=60, **more
        )
        for way in ((), ("-m", "exuvia", "run"))
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    config = tmp_path / "exuvia.toml"
    config.write_text("[exuvia]\nrehearsal = true\nendpoints = []\n")
    config.chmod(0o600)
    return tmp_path


def test_a_script_finds_its_names_as_the_interpreter_leaves_them(project: Path) -> None:
    (project / "main.py").write_text(SAYS)
    python, ours = both(project, "main.py", "one", "--two")
    assert (ours.returncode, ours.stdout) == (python.returncode, python.stdout), ours.stderr
    assert str(project / "main.py") in ours.stdout


@pytest.mark.parametrize(
    "text",
    ["def f():\n    raise ValueError('x')\nf()\n", "x = (\n", "import sys\nsys.exit('why')\n", "import nowhere\n"],
)
def test_a_script_s_error_is_shown_as_the_interpreter_shows_it(project: Path, text: str) -> None:
    (project / "main.py").write_text(text)
    python, ours = both(project, "main.py")
    said = "".join(line for line in ours.stderr.splitlines(keepends=True) if not line.startswith("exuvia:"))
    assert (ours.returncode, said) == (python.returncode, python.stderr)


def test_a_folder_and_an_archive_run_as_ever(project: Path) -> None:
    (project / "folder").mkdir()
    (project / "folder" / "__main__.py").write_text("print('folder')\n")
    with zipfile.ZipFile(project / "app.pyz", "w") as archive:
        archive.writestr("__main__.py", "print('archive')\n")
    for name in ("folder", "app.pyz"):
        python, ours = both(project, name)
        assert (ours.returncode, ours.stdout) == (python.returncode, python.stdout), ours.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a shell closes them")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_program_without_standard_streams_ends_as_without_exuvia(project: Path, closed: str) -> None:
    (project / "main.py").write_text("import sys\nopen('out.txt', 'w').close()\nif sys.stdout:\n    print('said')\n")
    for way in ("", "-m exuvia run"):
        (project / "out.txt").unlink(missing_ok=True)
        line = f"exec {sys.executable} {way} main.py {closed}"
        ran = subprocess.run(["/bin/sh", "-c", line], cwd=project, check=False, capture_output=True, timeout=60)
        assert (ran.returncode, (project / "out.txt").exists()) == (0, True), (way, ran.stderr)
