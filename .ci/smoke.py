"""Installs the wheel that fits this interpreter into an environment of its own, and uses it.

`python smoke.py DIST`: DIST holds the wheels of one platform, for Python 3.11 and for 3.12 and later.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

USE = """
import importlib, os, pkgutil, sys
import exuvia
heavy = {"numpy", "arro3", "rich"} & set(sys.modules)
assert not heavy, f"import exuvia loaded {heavy}"
for found in pkgutil.walk_packages(exuvia.__path__, "exuvia."):
    # pytest loads its plugin itself, and is not there otherwise.
    if not found.name.endswith("__main__") and found.name != "exuvia.testing.plugin":
        importlib.import_module(found.name)
facts = exuvia.build_info()
assert facts["version"] == exuvia.__version__
wanted = os.environ.get("EXUVIA_COMMIT")
assert not wanted or wanted.startswith(facts["commit"]), f"built from {facts['commit']}, expected {wanted}"
print(sys.version.split()[0], facts)
"""


def fitting(folder: Path) -> Path:
    """The one wheel for the running interpreter."""
    tag = "cp311-cp311" if sys.version_info < (3, 12) else "abi3"
    found = sorted(folder.glob(f"exuvia-*-*{tag}*.whl"))
    if len(found) != 1:
        sys.exit(f"one wheel with {tag} is wanted in {folder}, found {[path.name for path in found]}")
    return found[0]


def main(folder: Path) -> None:
    """Installs and uses the wheel."""
    wheel = fitting(folder)
    with tempfile.TemporaryDirectory() as home:
        venv.create(home, with_pip=True)
        programs = Path(home) / ("Scripts" if sys.platform == "win32" else "bin")
        python = programs / ("python.exe" if sys.platform == "win32" else "python")
        install = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", str(wheel)]
        subprocess.run(install, check=True)
        subprocess.run([python, "-I", "-c", USE], check=True, cwd=home)
        subprocess.run([python, "-m", "exuvia", "--help"], check=True, cwd=home)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
