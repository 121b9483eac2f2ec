"""Who approves: an OS user, or the holder of an SSH key.

An identity is what cannot be had twice: the user's name as the system knows it, or the digest of the key, so that
one key under two names, or with two comments, is one.

>>> key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS"
>>> canonical("ssh:" + key) == canonical("ssh:" + key + " ana@desk")
True
>>> canonical("os:ana")
'os:ana'
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import tempfile
from pathlib import Path

from exuvia.errors import MigrateError
from exuvia.migrate.modes.writing import user
from exuvia.migrate.own import subprocess

__all__ = ["NAMESPACE", "canonical", "mine", "public_of", "sign", "verified"]

NAMESPACE = "exuvia-approval"
TIMEOUT_S = 60.0
_TYPE = re.compile(r"^[a-z][a-z0-9@.-]*$")


def mine() -> str:
    """Return the identity of the user that this process runs as."""
    return f"os:{user()}"


def canonical(identity: str) -> str:
    """Return what makes an identity one and the same.

    Args:
        identity: `os:USER` or `ssh:TYPE KEY comment`, as the configuration has it.

    Raises:
        MigrateError: For a key that is none.
    """
    if identity.startswith("os:"):
        return identity
    _, blob = _key(identity)
    return f"ssh:SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"


def _key(identity: str) -> tuple[str, bytes]:
    kind, _, rest = identity.removeprefix("ssh:").strip().partition(" ")
    encoded = rest.split()[0] if rest.split() else ""
    try:
        blob = base64.b64decode(encoded, validate=True)
        length = int.from_bytes(blob[:4], "big")
        good = bool(_TYPE.match(kind)) and blob[4 : 4 + length] == kind.encode()
    except (binascii.Error, ValueError):
        good, blob = False, b""
    if not good:
        raise MigrateError(f"{identity[:60]!r} is no public key: write ssh:TYPE KEY, as in the file id_ed25519.pub")
    return kind, blob


def public_of(key: Path) -> str:
    """Return the identity of a private key, by its `.pub` file or by the key itself.

    Args:
        key: The private key's file, or the public one of a key that an agent holds.

    Raises:
        MigrateError: If it cannot be read.
    """
    beside = key if key.suffix == ".pub" else key.with_name(f"{key.name}.pub")
    try:
        text = beside.read_text(encoding="utf-8")
    except OSError:
        text = _run(["ssh-keygen", "-y", "-f", str(key)], b"", f"the public half of {key}").decode()
    return f"ssh:{text.strip()}"


def sign(statement: str, key: Path) -> str:
    """Sign a statement; `ssh-keygen` asks for a passphrase itself.

    Args:
        statement: The text.
        key: The private key's file.

    Returns:
        The signature, armoured.

    Raises:
        MigrateError: If it could not be signed.
    """
    command = ["ssh-keygen", "-Y", "sign", "-q", "-n", NAMESPACE, "-f", str(key)]
    return _run(command, statement.encode(), f"a signature with {key}").decode()


def verified(statement: str, signature: str, identity: str) -> bool:
    """Say whether a statement was signed by the holder of a key.

    Args:
        statement: The text.
        signature: As `sign` returns it.
        identity: `ssh:TYPE KEY`.

    Raises:
        MigrateError: For a key that is none, or where `ssh-keygen` is missing.
    """
    kind, blob = _key(identity)
    with tempfile.TemporaryDirectory(prefix="exuvia-") as folder:
        signers, signed = Path(folder) / "signers", Path(folder) / "signature"
        encoded = base64.b64encode(blob).decode()
        signers.write_text(f'approver namespaces="{NAMESPACE}" {kind} {encoded}\n', encoding="utf-8")
        signed.write_text(signature, encoding="utf-8")
        command = ["ssh-keygen", "-Y", "verify", "-q", "-f", str(signers), "-I", "approver", "-n", NAMESPACE]
        return _call([*command, "-s", str(signed)], statement.encode()).returncode == 0


def _run(command: list[str], given: bytes, what: str) -> bytes:
    done = _call(command, given)
    if done.returncode:
        raise MigrateError(f"{what} could not be had: {done.stderr.decode(errors='replace').strip()[:300]}")
    return done.stdout


def _call(command: list[str], given: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, input=given, capture_output=True, timeout=TIMEOUT_S, check=False)
    except FileNotFoundError:
        raise MigrateError("ssh-keygen is not on the path: install OpenSSH's client to approve by key") from None
    except subprocess.TimeoutExpired:
        raise MigrateError(f"{command[0]} took more than {TIMEOUT_S:g} s: is it waiting for a passphrase?") from None
