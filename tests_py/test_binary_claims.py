"""The claim of RECORD asked in this process: what is believed, what is hashed, and what is said when it was not so."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from exuvia import _exuvia
from exuvia.migrate import binary, own, runtime
from exuvia.migrate.binary import Claim
from shadowing import Shadowed, shadowed

__all__ = ["shadowed"]

HERE = Path(str(_exuvia.__file__))
ID = _exuvia.build_id() or ""
SAME = "def price(n):\n    return n * 2\n"

needs_id = pytest.mark.skipif(not ID, reason="this build has no build id: the extension is hashed at install")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def claim(path: Path, digest: str = "") -> Claim:
    return Claim(path, os.open(path, os.O_RDONLY), digest or sha256(path))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "_exuvia.so"
    path.write_bytes(os.urandom(100_000))
    return path


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the extension where pip would put it, which is taken for the one that runs."""
    there = tmp_path / "site" / "exuvia" / HERE.name
    there.parent.mkdir(parents=True)
    shutil.copy(HERE, there)
    running = SimpleNamespace(__file__=str(there), build_id=_exuvia.build_id, build_id_of=_exuvia.build_id_of)
    for name, value in (("_exuvia", running), ("_claim", None), ("_verified", None), ("_seen", ((), ""))):
        monkeypatch.setattr(binary, name, value)
    return there


def record(there: Path, *lines: str, version: str = "1.0") -> None:
    info = there.parent.parent / f"exuvia-{version}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "RECORD").write_text("\n".join(lines) + "\n")


def line(there: Path, *, size: int | None = None, digest: bytes | None = None) -> str:
    hashed = digest if digest is not None else hashlib.sha256(there.read_bytes()).digest()
    text = base64.urlsafe_b64encode(hashed).decode().rstrip("=")
    return f"exuvia/{there.name},sha256={text},{there.stat().st_size if size is None else size}"


def failing(times: int, real: Callable[..., Any]) -> Callable[..., Any]:
    """A call of the system that fails the first times, as one whose descriptor was closed."""
    left = [times]

    def call(*args: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise OSError(errno.EIO, "Input/output error")
        return real(*args)

    return call


def test_a_claimed_file_that_the_program_closed_is_opened_again(file: Path) -> None:
    made = claim(file)
    os.close(made._held.unchecked)
    assert made.hashed() == sha256(file)


def test_a_file_that_is_closed_while_it_is_read_is_read_once_more_from_its_beginning(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = claim(file)
    real, reads = own.os.pread, []

    def pread(number: int, size: int, at: int) -> bytes:
        reads.append(at)
        if len(reads) == 2:
            os.close(number)
        return real(number, size, at)

    monkeypatch.setattr(binary, "CHUNK", 30_000)
    monkeypatch.setattr(own.os, "pread", pread)
    assert made.hashed() == sha256(file)
    assert reads[:3] == [0, 30_000, 0]


def test_a_file_that_cannot_be_read_is_unreadable_and_not_read_for_ever(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own.os, "pread", failing(1, own.os.pread))
    with pytest.raises(OSError, match="Input/output error"):
        claim(file).hashed()


def test_a_file_that_was_exchanged_before_it_could_be_hashed_is_not_hashed_for_the_other(
    file: Path, tmp_path: Path
) -> None:
    made = claim(file)
    os.close(made._held.unchecked)
    (tmp_path / "new").write_bytes(os.urandom(100_000))
    (tmp_path / "new").replace(file)
    with pytest.raises(OSError, match="it was exchanged before it could be hashed"):
        made.hashed()


def test_what_record_did_not_say_truly_is_said_and_f_has_what_is_there(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binary, "_verified", None)
    monkeypatch.setattr(binary, "_claim", claim(file, "0" * 64))
    assert binary.sha256() == "0" * 64
    assert f"{file} is not the file that the wheel brought: RECORD says SHA-256 {'0' * 12}…" in str(binary.verify())
    assert binary.sha256() == sha256(file)
    assert binary.verify() is None


def test_a_claim_that_cannot_be_verified_is_another_f_too(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "_verified", None)
    monkeypatch.setattr(binary, "_claim", claim(file))
    monkeypatch.setattr(own.os, "pread", failing(1, own.os.pread))
    assert "it has unreadable: …" in str(binary.verify())
    assert binary.sha256() == "unreadable: [Errno 5] Input/output error"


@needs_id
def test_an_extension_that_is_gone_unreadable_or_another_means_a_restart(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert binary.exchanged() is None
    data = site.read_bytes()
    site.unlink()
    site.write_bytes(data.replace(bytes.fromhex(ID), bytes(len(ID) // 2), 1))
    assert f"was exchanged: build {'0' * 12}… lies there and {ID[:12]}… runs: restart" in str(binary.exchanged())
    site.write_bytes(b"")
    assert "was exchanged: build without an id… lies there" in str(binary.exchanged())
    site.write_bytes(data)
    with monkeypatch.context() as broken:
        broken.setattr(own.os, "pread", failing(1, own.os.pread))
        assert "cannot be read any more ([Errno 5] Input/output error): restart" in str(binary.exchanged())
    site.unlink()
    assert "cannot be read any more ([Errno 2]" in str(binary.exchanged())


def test_a_build_without_an_id_claims_nothing_and_is_never_exchanged(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(site, line(site))
    monkeypatch.setattr(binary, "loaded", lambda: "")
    binary.claim()
    assert (binary._claim, binary.exchanged()) == (None, None)


@needs_id
def test_only_one_plain_line_of_one_record_is_believed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def claimed() -> str | None:
        found = binary._claimed(site, ID)
        if found is None:
            return None
        found._held.close()
        return found.digest

    assert claimed() is None, "no RECORD at all"
    record(site, line(site))
    assert claimed() == sha256(site)
    record(site, line(site), line(site))
    assert claimed() is None, "two lines"
    record(site, line(site, size=1))
    assert claimed() is None, "another size"
    record(site, line(site, digest=b"short"))
    assert claimed() is None, "no SHA-256"
    record(site, line(site).replace(str(site.stat().st_size), "many"))
    assert claimed() is None, "no size"
    record(site, line(site))
    with monkeypatch.context() as broken:
        broken.setattr(own.os, "pread", failing(1, own.os.pread))
        assert claimed() is None, "it cannot be read"
    record(site, line(site), version="9.9")
    assert claimed() is None, "two wheels"
    shutil.rmtree(site.parent.parent / "exuvia-9.9.dist-info")
    assert claimed() == sha256(site)
    site.unlink()
    assert claimed() is None, "it is gone"


def test_a_descriptor_that_is_no_file_has_no_identity() -> None:
    assert binary._identity(-1) == ()


def at_rest(shadowed: Shadowed, mode: str = "shadow", more: str = "") -> Any:
    """What is installed, without the thread that looks after it: the test does."""
    shadowed.write(SAME, SAME)
    shadowed.install("price", mode=mode, more=more)
    held: Any = runtime._current
    held.stop.set()
    assert held.thread.join(60.0)
    return held


def test_an_extension_that_record_lied_about_makes_another_f_of_every_unit(
    shadowed: Shadowed, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = at_rest(shadowed)
    before, build = dict(held.fingerprints), held.control.build
    held.verify()
    assert (held.fingerprints, held.wrong) == (before, None)
    monkeypatch.setattr(binary, "_verified", None)
    monkeypatch.setattr(binary, "_claim", claim(file, "0" * 64))
    for _ in range(2):
        held.verify()
    (name,) = before
    assert held.fingerprints[name] != before[name]
    assert held.parts[name]["extension"] == sha256(file)
    assert held.control.build != build
    assert held.segment.header["fingerprints"] == held.fingerprints
    assert held.seen == (), "the journal is looked at again"
    assert capsys.readouterr().err.count("is not the file that the wheel brought") == 1


def test_whatever_fails_the_next_rollback_is_still_followed(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = at_rest(shadowed)
    followed: list[bool] = []
    ends = iter([False, False, True])

    def fails() -> None:
        raise ZeroDivisionError("odd")

    monkeypatch.setattr(held, "verify", fails)

    def follow(*, whole: bool) -> None:
        followed.append(whole)

    monkeypatch.setattr(held, "follow", follow)
    held._poll(SimpleNamespace(wait=lambda _: next(ends)))
    assert followed == [False, False]
    assert "ZeroDivisionError: odd" in capsys.readouterr().err


def test_an_exchanged_extension_is_said_once(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = at_rest(shadowed)
    monkeypatch.setattr(binary, "exchanged", lambda: "it was exchanged: restart")
    for _ in range(3):
        held.look()
    assert capsys.readouterr().err.count("it was exchanged: restart") == 1


def test_a_canary_that_nobody_can_see_is_taken_back(shadowed: Shadowed) -> None:
    held = at_rest(shadowed, "canary", 'key = "$args.n"\nshare = 0.5')
    (unit,) = held.units.values()
    assert unit.mode == "canary"
    held.settle()
    assert unit.mode == "canary"
    held.segment._stop(OSError(errno.ENOSPC, "No space left on device"))
    held.settle()
    assert unit.mode == "legacy"


def test_a_program_ends_with_its_last_counters_whatever_fails_before(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = at_rest(shadowed)
    shadowed.legacy.price(2)
    shadowed.settle()

    def fails(*_: object) -> None:
        raise ZeroDivisionError("odd")

    monkeypatch.setattr(held, "displaced", fails)
    monkeypatch.setattr(held, "verify", fails)
    written: list[dict[str, Any]] = []
    monkeypatch.setattr(held.segment, "counters", lambda units, **_: written.append(units))
    held.finish(30.0)
    # The poller comes too late: what it would write is older than the last counters.
    held.count()
    assert [unit["compared"] for counted in written for unit in counted.values()] == [1]
    said = capsys.readouterr().err
    assert f"{shadowed.legacy_name}:price: ZeroDivisionError: odd" in said
    assert said.count("ZeroDivisionError: odd") == 2
