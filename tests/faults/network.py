"""A host in a network namespace of its own: one cable (veth) leads to the database and to the portal."""

import os
import shutil
import subprocess
from contextlib import suppress
from typing import Self

import pytest

HERE, THERE = "10.99.7.5", "10.99.7.6"


class Cable:
    """`name`: the namespace. DATABASE and PORTAL: addresses of this machine that are reached over the cable.

    They are not the cable's own, since this machine needs them too when that is pulled.
    """

    DATABASE, PORTAL = "10.99.7.1", "10.99.7.2"

    def __init__(self) -> None:
        self.name = f"falha{os.getpid() % 10000}"
        self._end = f"v{self.name}"

    def __enter__(self) -> Self:
        if os.geteuid() != 0 or not shutil.which("ip"):
            pytest.skip("needs root and iproute2: makes a network namespace")
        try:
            self._lay()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        words = [["netns", "del", self.name], *(["addr", "del", f"{at}/32", "dev", "lo"] for at in self._ours)]
        for command in words:
            with suppress(subprocess.CalledProcessError):
                _ip(*command)

    @property
    def _ours(self) -> tuple[str, str]:
        return self.DATABASE, self.PORTAL

    def _lay(self) -> None:
        _ip("netns", "add", self.name)
        _ip("link", "add", self._end, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        for address in self._ours:
            _ip("addr", "add", f"{address}/32", "dev", "lo")
        _ip("addr", "add", f"{HERE}/30", "dev", self._end)
        _ip("link", "set", self._end, "up")
        self._inside("addr", "add", f"{THERE}/30", "dev", "eth0")
        self._inside("link", "set", "eth0", "up")
        self._inside("link", "set", "lo", "up")
        self._inside("route", "add", "default", "via", HERE)

    def _inside(self, *words: str) -> None:
        _ip("-n", self.name, *words)

    def pull(self) -> None:
        _ip("link", "set", self._end, "down")

    def plug(self) -> None:
        _ip("link", "set", self._end, "up")

    def lose(self, address: str) -> None:
        """From inside, this one address is out of reach."""
        self._inside("route", "add", "unreachable", f"{address}/32")

    def find(self, address: str) -> None:
        self._inside("route", "del", "unreachable", f"{address}/32")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, stderr=subprocess.DEVNULL)
