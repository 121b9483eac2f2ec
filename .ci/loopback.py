"""Runs a command in a network namespace that holds nothing but loopback.

So no test, child process or Rust thread can reach another machine, whatever it tries. Where the system
admits no namespace (not Linux, a locked-down container), the command runs without one and that is said.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1


def unshare() -> None:
    """Leaves the network of the machine; without root by way of a user namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNET) == 0:
        return
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "no network namespace")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")


def raise_loopback() -> None:
    """Sets the flag of `lo` that says it is up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        answer = fcntl.ioctl(probe, SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", answer)[1]
        fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def enter() -> None:
    """Leaves the network and raises loopback; an error if either is not admitted."""
    unshare()
    raise_loopback()


def admitted() -> bool:
    """Tries it in a child first: half of it would leave a process without any network."""
    child = os.fork()
    if child == 0:
        try:
            enter()
        except (AttributeError, OSError) as error:
            print(f"network: no namespace of its own here ({error}); only the tests' own guard holds", flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def main() -> None:
    """Enters the namespace where that is admitted, then becomes the command."""
    if admitted():
        enter()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - becoming the command is the point


if __name__ == "__main__":
    main()
