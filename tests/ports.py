"""Ports for servers that must be told theirs beforehand, with tests running side by side."""

import secrets
import socket
from pathlib import Path

#: The kernel gives connections, and whoever asks for any port, one of these; another is got only by asking for it.
_GIVEN_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST = 10_000
_held: list[socket.socket] = []


def free_port() -> int:
    """A port on which nothing listens, and which no other process of the tests gets until this one ends.

    The sign of that is its number's UDP socket, held open: none of the servers here speaks UDP.
    """
    given_out = int(_GIVEN_OUT.read_text(encoding="ascii").split()[0]) if _GIVEN_OUT.exists() else 49_152
    last = given_out if given_out > 2 * _FIRST else 65_536
    for _ in range(1000):
        port = _FIRST + secrets.randbelow(last - _FIRST)
        sign = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sign.bind(("127.0.0.1", port))
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            sign.close()
            continue
        _held.append(sign)
        return port
    raise AssertionError("no port is free")
