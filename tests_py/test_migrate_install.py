"""What the first install of a process does, counted and not timed: it hashes no extension and reads each file once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import environment
from exuvia import _exuvia

PROGRAM = """
import collections, json, os, pathlib, sys
sys.path.insert(0, sys.argv[1])
import legacy
from exuvia import _exuvia
from exuvia.migrate import install, load, uninstall
from exuvia.migrate import runtime
config = load(pathlib.Path(sys.argv[1]) / "exuvia.toml")
opened, counting = collections.Counter(), False
def hook(event, arguments):
    if counting and event == "open":
        opened[os.path.basename(str(arguments[0]))] += 1
sys.addaudithook(hook)
def read():
    with open("/proc/self/io") as file:
        return int(file.read().split()[1])
known, before, counting = set(sys.modules), read(), True
install(config)
counting = False
took = read() - before
new = sorted(set(sys.modules) - known)
import threading
print(json.dumps({
    "new": new, "read": took, "opened": opened,
    "threads": len(sys._current_frames()), "counted": threading.active_count(),
    "extension": os.path.basename(_exuvia.__file__),
}))
uninstall()
"""
UNIT = '[unit."legacy:f{0}"]\ncandidate = "shim:f{0}"\neffect = "pure"\nmode = "rust"\n'


def first_install(folder: Path, units: int) -> dict[str, Any]:
    folder.mkdir()
    for module in ("legacy", "shim"):
        (folder / f"{module}.py").write_text("".join(f"def f{n}(x, y=2):\n    return x + y\n" for n in range(units)))
    config = folder / "exuvia.toml"
    config.write_text("[exuvia]\nrehearsal = true\n" + "".join(UNIT.format(number) for number in range(units)))
    config.chmod(0o600)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="bytes read are counted by /proc/self/io"),
    pytest.mark.skipif(_exuvia.build_id() is None, reason="without a build id the extension is hashed at install"),
]


def test_the_first_install_reads_no_extension_and_imports_only_the_candidate(tmp_path: Path) -> None:
    found = first_install(tmp_path / "desk", 50)
    assert found["new"] == ["exuvia.migrate.extension", "shim"] or found["new"] == ["shim"]
    # The head of the extension, for its build id; the wheel's RECORD; both sources; the folder's own small files.
    assert found["opened"].get(found["extension"]) == 1
    assert found["read"] < 200_000, "the extension has 20 MB"
    assert found["opened"]["legacy.py"] == 1
    assert found["opened"]["shim.py"] <= 2, "imported, and hashed"
    assert found["threads"] == 3, "the program's, the poller, and the one that waits for the signal"
    assert found["counted"] == 1, "a program that counts its threads counts its own"


def test_what_install_opens_does_not_grow_with_the_units(tmp_path: Path) -> None:
    few, many = (first_install(tmp_path / f"desk{units}", units)["opened"] for units in (2, 60))

    def plain(opened: dict[str, int]) -> dict[str, int]:
        return {name: count for name, count in opened.items() if not name.endswith(".seg")}

    assert plain(few) == plain(many)
    assert sum(many.values()) < 40
