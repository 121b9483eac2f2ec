"""Approvals: two are two identities, and none outlives what it was given on. Keys are real ones, made here."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from commands import exuvia
from desk import Gate, desk, lines, same_surface
from exuvia.errors import MigrateError
from exuvia.migrate import own
from exuvia.migrate.config.tables import Caps
from exuvia.migrate.modes import approvals, expiry, identity, requirements
from exuvia.migrate.modes import journal as modes
from test_cli import BOT, project

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.config import Config

__all__ = ["project"]

PRICE = "bot:price"
keys_needed = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


def key(folder: Path, name: str) -> Path:
    """Generate a real key pair."""
    path = folder / name
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name}@desk", "-f", str(path)]
    subprocess.run(words, check=True, capture_output=True)
    return path


def public(path: Path) -> str:
    return "ssh:" + path.with_name(f"{path.name}.pub").read_text().strip()


def named(config: Config, **people: str) -> Config:
    return replace(config, approvers=people)


def state(config: Config, person: str, gate: Gate, *, to: str = "canary", lasts: int = approvals.DAY_NS) -> str:
    group, journal = config.group_of(PRICE), modes.read(config.evidence)
    judged = gate(config, group, journal, to)
    return approvals.statement(config, group, journal, to, person=person, lasts_ns=lasts, judged=judged)


def give(config: Config, person: str, path: Path | None = None, gate: Gate | None = None) -> dict[str, Any]:
    gate = gate or Gate()
    text = state(config, person, gate)
    signature = None if path is None else identity.sign(text, path)
    judged = gate(config, config.group_of(PRICE), modes.read(config.evidence), "canary")
    return approvals.record(config, text, signature, judged)


def counted(config: Config, gate: Gate | None = None) -> tuple[list[str], list[str]]:
    group, journal = config.group_of(PRICE), modes.read(config.evidence)
    judged = (gate or Gate())(config, group, journal, "canary")
    good, bad = approvals.standing_ones(config, journal, group, "canary", judged)
    return [entry["person"] for entry in good], [why for _, why in bad]


def test_an_approval_names_step_code_evidence_person_and_expiry(tmp_path: Path) -> None:
    config = desk(tmp_path)
    entry = give(config, modes.user())
    assert (entry["unit"], entry["from"], entry["step"], entry["f"]) == (PRICE, "shadow", "canary", {PRICE: "f1"})
    assert entry["identity"] == f"os:{modes.user()}"
    assert entry["expires_ns"] - entry["made_ns"] == approvals.DAY_NS
    assert len(entry["evidence"]) == 64
    assert counted(config) == ([modes.user()], [])


def test_an_approval_falls_with_other_code_a_new_difference_or_evidence_that_is_gone(tmp_path: Path) -> None:
    config = desk(tmp_path)
    give(config, modes.user())
    assert counted(config, Gate(f={PRICE: "f9"}))[1] == [
        "it is for another F: the code, rules or build are not those that were approved"
    ]
    assert counted(config, Gate(differed=1))[1] == ["1 calls have differed since"]
    gone = "evidence that it was given on is gone or was changed"
    head = lines(config)[-1]["evidence"]
    assert counted(config, Gate(compared=999))[1] == [gone]
    assert counted(config, Gate(heads=["0" * 64]))[1] == [gone]
    assert counted(config, Gate(heads=["0" * 64, head, "1" * 64])) == ([modes.user()], [])
    assert counted(config, Gate(compared=5000)) == ([modes.user()], [])
    modes.append(config.evidence, PRICE, "legacy", "a drill lowers nothing for good", drill=True)
    assert counted(config)[0] == [modes.user()]
    modes.append(config.evidence, "*", "legacy", "x")
    assert counted(config) == ([], [f"{PRICE} went back to legacy after it"])


@pytest.mark.parametrize("change", [{"share": 1.0}, {"key": "$args.n"}, {"caps": Caps(calls=10**9)}])
def test_an_approval_falls_when_the_canary_would_serve_others_than_were_approved(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    config = desk(tmp_path)
    give(config, modes.user())
    unit = replace(config.units[PRICE], **change)
    other = replace(config, units={**config.units, PRICE: unit})
    assert counted(other) == ([], ["key, share or caps of a canary are not those that were approved"])
    assert counted(config)[1] == []


def test_an_approval_expires_also_for_a_clock_that_was_turned_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = desk(tmp_path)
    give(config, modes.user())
    real = time.time_ns
    monkeypatch.setattr(own.time, "time_ns", lambda: real() + approvals.DAY_NS + 1)
    assert "it expired on 20" in counted(config)[1][0]
    assert [entry["what"] for entry in expiry.sweep(config)] == ["approval"]
    monkeypatch.setattr(own.time, "time_ns", real)
    assert "it expired on 20" in counted(config)[1][0], "the journal knows a later time"
    with pytest.raises(MigrateError, match="the clock stands"):
        give(config, modes.user())


@pytest.mark.parametrize("lasts", [0, -1, 31 * approvals.DAY_NS])
def test_an_approval_for_ever_or_for_no_time_is_refused(tmp_path: Path, lasts: int) -> None:
    with pytest.raises(MigrateError, match="up to 30 days"):
        state(desk(tmp_path), modes.user(), Gate(), lasts=lasts)


def test_only_a_pass_and_only_the_next_step_is_approved(tmp_path: Path) -> None:
    config = desk(tmp_path)
    for verdict in ("FAIL", "INCONCLUSIVE"):
        with pytest.raises(MigrateError, match=f"nothing to approve: {verdict}"):
            give(config, modes.user(), None, Gate(verdict))
    for to, words in (("rust", "canary comes first"), ("shadow", "stands in shadow already")):
        with pytest.raises(MigrateError, match=words):
            state(config, modes.user(), Gate(), to=to)


def test_who_is_not_named_may_not_approve(tmp_path: Path) -> None:
    config = named(desk(tmp_path), ana="os:somebody-else")
    with pytest.raises(MigrateError, match="may not approve: .* names ana"):
        approvals.person_of(config, None)
    with pytest.raises(MigrateError, match="sign with the key instead"):
        give(config, "ana")
    with pytest.raises(MigrateError, match="'bert' may not approve"):
        give(config, "bert")
    assert approvals.person_of(named(config, me=identity.mine()), None) == ("me", identity.mine())


def test_the_environment_does_not_say_who_this_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "ana")
    assert identity.mine() != "os:ana"


@keys_needed
def test_an_approval_by_key_is_verified_when_it_is_given_and_when_it_is_used(tmp_path: Path) -> None:
    ana, eve = key(tmp_path, "ana"), key(tmp_path, "eve")
    config = named(desk(tmp_path), ana=public(ana))
    assert approvals.person_of(config, ana) == ("ana", public(ana))
    with pytest.raises(MigrateError, match="may not approve"):
        approvals.person_of(config, eve)
    with pytest.raises(MigrateError, match="its signature is not that of ana's key"):
        give(config, "ana", eve)
    give(config, "ana", ana)
    assert counted(config) == (["ana"], [])
    assert counted(named(config, ana=public(eve)))[1] == ["the configuration does not name ana with this identity"]
    assert counted(named(config))[1] == ["the configuration names no approvers with a key"]


@keys_needed
def test_one_key_under_two_names_is_one_approval_and_two_keys_are_two(tmp_path: Path) -> None:
    ana, bert = key(tmp_path, "ana"), key(tmp_path, "bert")
    plain = desk(tmp_path, groups=f'[group.desk]\nunits = ["{PRICE}"]\napprovers = 2\n')
    again = public(ana).rsplit(" ", 1)[0] + " another@comment"
    config = named(plain, ana=public(ana), anna=again, bert=public(bert))
    give(config, "ana", ana)
    give(config, "anna", ana)
    assert len(counted(config)[0]) == 1
    need = requirements.needs(
        config,
        config.groups["desk"],
        modes.read(config.evidence),
        "canary",
        judged=Gate()(config, config.groups["desk"], modes.Journal(), "canary"),
        surface=same_surface,
        now_ns=0,
    )[-1]
    assert (need.what, need.verdict, "1 of 2 approvals" in need.why) == ("approvals", "INCONCLUSIVE", True)
    give(config, "bert", bert)
    assert sorted(counted(config)[0]) == ["anna", "bert"]


@keys_needed
def test_a_statement_that_was_changed_after_it_was_signed_does_not_hold(tmp_path: Path) -> None:
    ana = key(tmp_path, "ana")
    config = named(desk(tmp_path), ana=public(ana))
    gate = Gate()
    text = state(config, "ana", gate)
    signature = identity.sign(text, ana)
    judged = gate(config, config.group_of(PRICE), modes.read(config.evidence), "canary")
    longer = json.loads(text)
    longer["expires_ns"] += 1
    for changed in (json.dumps(longer, sort_keys=True), text + " "):
        with pytest.raises(MigrateError, match="its signature is not that of"):
            approvals.record(config, changed, signature, judged)
    with pytest.raises(MigrateError, match="no statement of an approval"):
        approvals.record(config, "{}", signature, judged)
    approvals.record(config, text, signature, judged)
    forged = {**lines(config)[-1], "f": {PRICE: "f2"}}
    assert approvals.void(
        config, modes.read(config.evidence), forged, 0, gate(config, config.group_of(PRICE), modes.Journal(), "canary")
    )
    group = config.group_of(PRICE)
    other = Gate(f={PRICE: "f2"})(config, group, modes.Journal(), "canary")
    assert approvals.void(config, modes.read(config.evidence), forged, 0, other) == (
        "it says something else than what was signed"
    )


@keys_needed
def test_a_revoked_statement_cannot_be_handed_in_again(tmp_path: Path) -> None:
    ana = key(tmp_path, "ana")
    config = named(desk(tmp_path), ana=public(ana))
    gate = Gate()
    text = state(config, "ana", gate)
    signature = identity.sign(text, ana)
    judged = gate(config, config.group_of(PRICE), modes.read(config.evidence), "canary")
    approvals.record(config, text, signature, judged)
    approvals.revoke(config, config.group_of(PRICE), "second thoughts")
    assert counted(config) == ([], [f"{modes.user()} revoked it: second thoughts"])
    with pytest.raises(MigrateError, match="revoked it: second thoughts"):
        approvals.record(config, text, signature, judged)


@keys_needed
def test_the_public_half_comes_from_the_key_where_its_file_is_gone(tmp_path: Path) -> None:
    ana = key(tmp_path, "ana")
    beside = public(ana)
    (tmp_path / "ana.pub").unlink()
    assert identity.canonical(identity.public_of(ana)) == identity.canonical(beside)
    with pytest.raises(MigrateError, match="could not be had"):
        identity.public_of(tmp_path / "nobody")
    with pytest.raises(MigrateError, match="could not be had"):
        identity.sign("x", tmp_path / "nobody")


@pytest.mark.parametrize(
    "identity_", ["ssh:ssh-ed25519 AAAA", "ssh:cert-authority AAAAC3NzaC1lZDI1NTE5", "ssh:x", "ssh:* AAAA", "ssh:"]
)
def test_a_key_that_is_none_is_refused(identity_: str) -> None:
    with pytest.raises(MigrateError, match="no public key"):
        identity.canonical(identity_)


def test_without_ssh_keygen_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MigrateError, match="install OpenSSH"):
        identity.sign("x", tmp_path / "key")


def test_the_exported_line_cannot_be_broken_by_a_name(tmp_path: Path) -> None:
    entry = give(desk(tmp_path), modes.user())
    (line,) = approvals.export([entry])
    assert f"approval {PRICE} shadow→canary F=f1 evidence=" in line
    (line,) = approvals.export([{**entry, "person": "ana\n2026 approval all\x1b[2J"}])
    assert "\n" not in line
    assert "\x1b" not in line
    assert "\\x0a2026" in line


@keys_needed
def test_the_command_records_exports_and_takes_what_was_signed_elsewhere(project: Path) -> None:
    ana = key(project, "ana")
    config = project / "exuvia.toml"
    text = config.read_text().replace('mode = "shadow"', 'mode = "canary"\nkey = "$args.n"')
    config.write_text(text.replace("[exuvia]", f'[exuvia]\napprovers = {{ ana = "{public(ana)}" }}'))
    config.chmod(0o600)
    (project / "shim.py").write_text(BOT)
    step = ("approve", PRICE, "--to", "canary")
    nothing = exuvia(project, *step, "--key", str(ana))
    assert (nothing.returncode, "nothing to approve, INCONCLUSIVE" in nothing.stdout) == (3, True), nothing
    exuvia(project, "rollback")
    assert exuvia(project, "promote", PRICE, "--to", "shadow").returncode == 0
    exuvia(project, "run", "-m", "prog")
    done = exuvia(project, *step, "--key", str(ana))
    assert (done.returncode, "canary approved by ana; 1 of 1 approvals" in done.stdout) == (0, True), done
    exported = exuvia(project, "approve", PRICE, "--export").stdout.splitlines()
    assert len(exported) == 1
    assert "by ana (ssh:SHA256:" in exported[0]
    revoked = exuvia(project, "approve", PRICE, "--revoke", "wait")
    assert revoked.returncode == 0
    assert exuvia(project, "approve", PRICE, "--export").stdout.startswith("does not count") is False
    written = exuvia(project, *step, "--person", "ana", "--statement", "said.txt")
    assert (written.returncode, "ssh-keygen -Y sign -n exuvia-approval" in written.stdout) == (0, True), written
    sign = ["ssh-keygen", "-q", "-Y", "sign", "-n", "exuvia-approval", "-f", str(ana), "said.txt"]
    subprocess.run(sign, cwd=project, check=True, capture_output=True)
    signed = exuvia(project, "approve", PRICE, "--signed", "said.txt", "--json")
    said = json.loads(signed.stdout)
    assert (signed.returncode, said["overall"], len(said["standing"])) == (0, "PASS", 1)
    assert [each["why"] for each in said["void"]] == [f"{modes.user()} revoked it: wait"]
    for words in (("--expires", "soon"), ("--to", "rust", "--signed", "said.txt")):
        assert exuvia(project, "approve", PRICE, "--key", str(ana), *words).returncode == 2
    assert exuvia(project, "approve", PRICE).returncode == 2


def test_the_journal_of_others_takes_no_approval(tmp_path: Path) -> None:
    config = desk(tmp_path)
    give(config, modes.user())
    gate = Gate()
    text = state(config, modes.user(), gate)
    judged = gate(config, config.group_of(PRICE), modes.Journal(), "canary")
    (config.evidence / modes.JOURNAL).chmod(0o666)
    with pytest.raises(MigrateError, match="nothing is raised: .*chmod go-w"):
        approvals.record(config, text, None, judged)
