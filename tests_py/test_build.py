"""The binary that answers: a second one, one from nowhere and one that was exchanged are refused."""

from __future__ import annotations

import base64
import hashlib
import importlib.machinery
from pathlib import Path

import exuvia
import pytest
from exuvia import _exuvia
from exuvia.build import build_info, check_build
from exuvia.errors import ExuviaError

LOADED = Path(str(_exuvia.__file__)).resolve()


def installed(folder: Path, record: str) -> None:
    """What pip leaves behind of a wheel with such a RECORD."""
    info = folder / f"exuvia-{exuvia.__version__}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: exuvia\nVersion: {exuvia.__version__}\n")
    (info / "RECORD").write_text(record)


def test_the_build_that_is_loaded_is_the_one_that_was_installed() -> None:
    check_build()
    assert build_info()["sha256"] == hashlib.sha256(LOADED.read_bytes()).hexdigest()


@pytest.mark.parametrize("inside", ["exuvia", "."])
def test_a_second_extension_on_the_path_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    second = tmp_path / inside / f"_exuvia{importlib.machinery.EXTENSION_SUFFIXES[0]}"
    second.parent.mkdir(exist_ok=True)
    second.touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ExuviaError, match="a second exuvia extension lies on the path") as caught:
        check_build()
    assert f"{second.resolve()}; {LOADED} is loaded" in str(caught.value)


@pytest.mark.parametrize("record", ["", "exuvia/__init__.py,,\n", f"{LOADED},,\n"])
def test_an_extension_that_no_wheel_brought_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: str
) -> None:
    installed(tmp_path, record)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ExuviaError, match="is not in the RECORD of the installed wheel: install exuvia with pip"):
        check_build()


def test_an_extension_that_was_exchanged_after_the_install_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = hashlib.sha256(b"another build")
    digest = base64.urlsafe_b64encode(other.digest()).rstrip(b"=").decode()
    installed(tmp_path, f"{LOADED},sha256={digest},1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ExuviaError, match="is not the file that the wheel brought") as caught:
        check_build()
    assert f"RECORD says {other.hexdigest()[:12]}…" in str(caught.value)


def test_dir_lists_the_areas_and_every_one_of_them_loads() -> None:
    names, errors = dir(exuvia), {"ExuviaError", "ForkError", "PanicError"}
    assert {"bars", "build_info", "migrate", "venues"} <= set(names)
    assert [*names, "ExuviaError", "ForkError", "PanicError"] == [
        *sorted(set(exuvia.__all__) - errors),
        *sorted(errors),
    ]
    assert all(getattr(exuvia, name) is not None for name in names)
    with pytest.raises(AttributeError, match="has no attribute 'barz': it has .*bars"):
        _ = exuvia.barz
