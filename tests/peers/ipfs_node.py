"""A real IPFS node from npm (js-ipfs, the package `ipfs`): offline, on loopback, in a folder of its own."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from simulation.anvil import free_port
from tests.peers.node import PACKAGES

_PRELOAD = Path(__file__).with_name("with_resolvers.cjs")
_START_TRIES = 600


class IpfsNode:
    """One daemon. It is not Kubo: no Kubo comes from a registry; its RPC is the older form of the same one."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("node") is None or not (PACKAGES / "ipfs").is_dir():
            pytest.skip("npm package is not installed: ipfs")
        self._env = {**os.environ, "IPFS_PATH": str(folder)}
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._run("init", "--empty-repo")
        self._configure(folder / "config")

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            self._command("daemon", "--offline"), env=self._env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for _ in range(_START_TRIES):
            try:
                httpx.post(f"{self.url}/api/v0/version", timeout=10)
                return
            except httpx.TransportError:
                if self._process.poll() is not None:
                    raise AssertionError(self._process.communicate()[0].decode()) from None
                self._process_wait()
        raise AssertionError("the node does not answer")

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _process_wait(self) -> None:
        assert self._process is not None
        try:
            self._process.wait(0.1)
        except subprocess.TimeoutExpired:
            return

    def _configure(self, path: Path) -> None:
        """No network beyond loopback, no peers."""
        config = json.loads(path.read_text())
        config["Addresses"] = {
            "Swarm": [], "API": f"/ip4/127.0.0.1/tcp/{self._port}", "Gateway": f"/ip4/127.0.0.1/tcp/{free_port()}",
            "RPC": f"/ip4/127.0.0.1/tcp/{free_port()}", "Delegates": [],
        }  # fmt: skip
        config["Bootstrap"] = []
        config["Discovery"] = {"MDNS": {"Enabled": False}, "webRTCStar": {"Enabled": False}}
        path.write_text(json.dumps(config))

    def _run(self, *words: str) -> None:
        done = subprocess.run(
            self._command(*words), env=self._env, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _command(self, *words: str) -> list[str]:
        return ["node", "--require", str(_PRELOAD), str(PACKAGES / "ipfs" / "src" / "cli.js"), *words]
