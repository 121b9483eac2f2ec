"""A disk that is full: what a user wrote is there afterwards as it was before."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from commands import exuvia, python
from exuvia.migrate.workbench.putting import put

pytest.importorskip("resource")

FULL = (
    "import resource, runpy, sys; room = int(sys.argv.pop(1)); sys.argv.pop(0); "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)); sys.dont_write_bytecode = True; "
    "runpy.run_module('exuvia', run_name='__main__', alter_sys=True)"
)


def confined(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command `exuvia`, where no file may grow beyond 100 bytes."""
    # Code that is measured writes more than there is room for, and says so.
    unmeasured = {"LLVM_PROFILE_FILE": os.devnull, "COVERAGE_PROCESS_CONFIG": "", "COVERAGE_PROCESS_START": ""}
    return python(folder, "-c", FULL, "100", "exuvia", *words, **unmeasured)


def held(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lib.py").write_text(
        "def first(a: int) -> int:\n    return a\n\n\ndef second(a: int) -> int:\n    return a\n"
    )
    assert exuvia(tmp_path, "scaffold", "lib:first").returncode == 0
    shim = tmp_path / "exuvia_shims" / "lib.py"
    shim.write_text(shim.read_text() + "".join(f"ROW_{n} = {n}  # mine\n" for n in range(99)))
    return tmp_path


@pytest.mark.parametrize("words", [("lib:second",), ("lib", "--force")])
def test_a_shim_that_cannot_be_written_is_as_it_was(project: Path, words: tuple[str, ...]) -> None:
    before = held(project)
    done = confined(project, "scaffold", *words)
    assert (done.returncode, "lib.py" in done.stderr, "Traceback" in done.stderr) == (2, True, False), done
    assert held(project) == before


def test_a_configuration_that_cannot_be_written_is_as_it_was(project: Path) -> None:
    (project / "exuvia.toml").write_text("[exuvia]\n# mine\n")
    before = held(project)
    done = confined(project, "init", "--force")
    assert (done.returncode, "exuvia.toml" in done.stderr) == (2, True), done
    assert held(project) == before


def test_a_source_that_an_ejection_cannot_write_is_as_it_was(project: Path) -> None:
    text = "from exuvia_shims.lib import first\n" + "".join(f"ROW_{n} = first({n})\n" for n in range(99))
    (project / "user.py").write_text(text)
    before = held(project)
    done = confined(project, "eject", "--write")
    assert (done.returncode, "user.py" in done.stderr) == (2, True), done
    assert held(project) == before
    assert exuvia(project, "eject", "--write").returncode == 0
    assert held(project)["user.py"] == text.replace("exuvia_shims.lib", "lib").encode()


def test_a_file_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "there.py").write_text("old\n")
    (tmp_path / "there.py").chmod(0o751)
    (tmp_path / "link.py").symlink_to("there.py")
    put(tmp_path / "link.py", "new\r\n")
    assert (tmp_path / "link.py").is_symlink()
    assert (tmp_path / "there.py").read_bytes() == b"new\r\n"
    assert (tmp_path / "there.py").stat().st_mode & 0o7777 == 0o751
    before = os.umask(0o027)
    try:
        put(tmp_path / "fresh.py", "new\n")
    finally:
        os.umask(before)
    assert (tmp_path / "fresh.py").stat().st_mode & 0o7777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh.py", "link.py", "there.py"]


def test_what_is_no_file_is_written_to_and_not_replaced() -> None:
    put(Path(os.devnull), "new\n")
    assert not Path(os.devnull).is_file()
