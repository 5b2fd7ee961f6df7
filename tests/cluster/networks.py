"""Machines with a network of their own between them: Linux network namespaces on a bridge, nothing of it outside."""

import ctypes
import os
import secrets
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CLONE_NEWNET = 0x40000000


def ip(*words: str) -> None:
    """Run ``ip``; it wants root, which the project's check has."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


class Network:
    """Two machines, ``near`` (10.77.0.1) and ``far`` (10.77.0.2), on a switch that can pull the near one's cable."""

    NEAR, FAR = "10.77.0.1", "10.77.0.2"

    def __init__(self) -> None:
        tag = secrets.token_hex(3)
        self._hub, self.near, self.far = (f"bs-{tag}-{each}" for each in ("hub", "near", "far"))
        for name in (self._hub, self.near, self.far):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", self._hub, "link", "add", "switch", "type", "bridge")
        ip("-n", self._hub, "link", "set", "switch", "up")
        for name, port, address in ((self.near, "near", self.NEAR), (self.far, "far", self.FAR)):
            ip("-n", self._hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("-n", self._hub, "link", "set", port, "master", "switch", "up")
            ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")

    def within(self, machine: str) -> list[str]:
        """What a command on that machine begins with."""
        return ["ip", "netns", "exec", machine]

    def cut(self) -> None:
        """The far machine hears nothing of the near one any more, and is told nothing about it."""
        ip("-n", self._hub, "link", "set", "near", "down")

    def mend(self) -> None:
        ip("-n", self._hub, "link", "set", "near", "up")

    def listener(self, machine: str, port: int) -> socket.socket:
        """A socket on that machine's own loopback address, held by this process."""

        def made() -> socket.socket:
            with Path("/run/netns", machine).open() as namespace:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(namespace.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            return socket.create_server(("127.0.0.1", port))

        with ThreadPoolExecutor(1) as thread:  # a namespace is a thread's: this one ends with it
            return thread.submit(made).result()

    def remove(self) -> None:
        for name in (self.near, self.far, self._hub):
            if os.path.exists(f"/run/netns/{name}"):  # noqa: PTH110
                ip("netns", "delete", name)
