"""A development chain under our own clock: anvil on loopback, each block mined when and with the time we say.

Same calls in the same order give the same blocks, hashes included. Its accounts are public test keys: never real money.
"""

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from alliance.errors import Conflicting, Missing, Refused
from alliance.identity import Address, to_hex
from chain.rpc import Block, Rpc, RpcMalformed, RpcUnavailable

CHAIN_ID = 31337
TEST_MNEMONIC = "test test test test test test test test test test test junk"
TEN_THOUSAND_ETHER_WEI = 10**22
_BINARY = Path("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil")
_START_POLLS = 2_400
_POLL_S = 0.025
_STOP_S = 20.0


@dataclass(kw_only=True, eq=False)
class AnvilMissing(Missing):
    """There is no anvil binary; `npm ci` installs it."""

    path: str


@dataclass(kw_only=True, eq=False)
class PortTaken(Conflicting):
    """Another program listens on the port."""

    port: int


@dataclass(kw_only=True, eq=False)
class AnvilFailed(Refused):
    """anvil ended, or did not answer in time; `why` is its last line."""

    why: str


@dataclass(kw_only=True, eq=False)
class TimeNotLater(Refused):
    """A block's time must be after the last one's."""

    last_s: int
    asked_s: int


def binary(root: Path | None = None) -> Path:
    """The anvil binary under a repository's root, else the one on PATH. Raises AnvilMissing."""
    installed = (root or Path(__file__).resolve().parents[1]) / _BINARY
    if installed.is_file():
        return installed
    found = shutil.which("anvil")
    if found is None:
        raise AnvilMissing(path=str(installed))
    return Path(found)


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(port: int) -> None:
    """Refuse a port on loopback on which somebody listens. Raises PortTaken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PortTaken(port=port) from None


class Anvil:
    """One anvil process; a context manager that starts it, waits until it answers, and stops it.

    `genesis_s` is the first block's time (unix seconds). Without `block_time_s` a block is mined only by `mine_at`;
    with it, every so many real seconds. `state` keeps the chain in a file, written each `state_interval_s` real seconds
    and at the end, and resumes from it: blocks, logs and the newest state, no older ones. `funded` accounts begin with
    ten thousand ether beside the mnemonic's ten.
    """

    def __init__(
        self,
        *,
        genesis_s: int,
        port: int | None = None,
        state: Path | None = None,
        state_interval_s: int = 1,
        block_time_s: int | None = None,
        chain_id: int = CHAIN_ID,
        mnemonic: str = TEST_MNEMONIC,
        funded: Sequence[Address] = (),
        executable: Path | None = None,
        log: Path | None = None,
    ) -> None:
        self.port = free_port() if port is None else port
        self.url = f"http://127.0.0.1:{self.port}"
        self._genesis_s, self._state, self._block_time_s = genesis_s, state, block_time_s
        self._state_interval_s = state_interval_s
        self._chain_id, self._mnemonic, self._funded = chain_id, mnemonic, tuple(funded)
        self._executable, self._log = executable, log
        self._process: subprocess.Popen[bytes] | None = None
        self._rpc: Rpc | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def rpc(self) -> Rpc:
        """A connection to the running chain. Raises AnvilFailed before `start` and after `stop`."""
        if self._rpc is None:
            raise AnvilFailed(why="not running")
        return self._rpc

    @property
    def pid(self) -> int:
        """Number of the running process. Raises AnvilFailed before `start` and after `stop`."""
        if self._process is None:
            raise AnvilFailed(why="not running")
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it answers. Raises AnvilMissing, PortTaken or AnvilFailed."""
        command = self._command()
        require_free(self.port)
        fresh = self._state is None or not self._state.exists()
        with self._open_log() as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
            try:
                self._rpc = self._wait_until_answering(self._process, output.name)
            except BaseException:
                self.kill()
                raise
        if fresh:
            for account in self._funded:
                self.set_balance(account, TEN_THOUSAND_ETHER_WEI)

    def stop(self) -> None:
        """End it; the state file is written. Does nothing when it does not run."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._forget()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is not None:
            self._process.kill()
        self._forget()

    def mine_at(self, timestamp_s: int) -> Block:
        """Mine a block of that time (unix seconds) with all waiting transactions. Raises TimeNotLater."""
        last_s = self.rpc.head().timestamp_s
        if timestamp_s <= last_s:
            raise TimeNotLater(last_s=last_s, asked_s=timestamp_s)
        self.rpc.call("evm_setNextBlockTimestamp", [timestamp_s])
        self.rpc.call("evm_mine")
        return self.rpc.head()

    def set_balance(self, account: Address, wei: int) -> None:
        """Give an account a balance out of nothing."""
        self.rpc.call("anvil_setBalance", [to_hex(account), hex(wei)])

    def reorganise(self, depth: int) -> None:
        """Replace the last blocks by as many other, empty ones; their transactions are gone."""
        self.rpc.call("anvil_reorg", [depth, []])

    def roll_back(self, depth: int) -> None:
        """Drop the last blocks; their transactions are gone."""
        self.rpc.call("anvil_rollback", [depth])

    def drop_transactions(self) -> None:
        """Empty the mempool, as a node that evicts does."""
        self.rpc.call("anvil_dropAllTransactions")

    def _command(self) -> list[str]:
        executable = self._executable or binary()
        if not executable.is_file():
            raise AnvilMissing(path=str(executable))
        command = [
            str(executable), "--host", "127.0.0.1", "--port", str(self.port), "--chain-id", str(self._chain_id),
            "--hardfork", "cancun", "--mnemonic", self._mnemonic, "--timestamp", str(self._genesis_s), "--quiet",
            "--order", "fifo",
        ]  # fmt: skip
        command += ["--no-mining"] if self._block_time_s is None else ["--block-time", str(self._block_time_s)]
        if self._state is not None:
            command += ["--state", str(self._state), "--state-interval", str(self._state_interval_s)]
        return command

    def _open_log(self) -> IO[bytes]:
        if self._log is None:
            return tempfile.NamedTemporaryFile(prefix="anvil-", suffix=".log")
        return self._log.open("ab")

    def _wait_until_answering(self, process: "subprocess.Popen[bytes]", log: str) -> Rpc:
        rpc = Rpc(self.url)
        for _ in range(_START_POLLS):
            try:
                process.wait(_POLL_S)
            except subprocess.TimeoutExpired:
                if self._answers(rpc):
                    return rpc
            else:
                break
        rpc.close()
        lines = Path(log).read_text(errors="replace").strip().splitlines()
        raise AnvilFailed(why=lines[-1] if lines else f"no answer on port {self.port}")

    def _answers(self, rpc: Rpc) -> bool:
        try:
            return rpc.chain_id() == self._chain_id
        except (RpcUnavailable, RpcMalformed):
            return False

    def _forget(self) -> None:
        if self._process is not None:
            self._process.wait()
        if self._rpc is not None:
            self._rpc.close()
        self._process = self._rpc = None
