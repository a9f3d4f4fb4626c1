"""`alliance deploy` on a real chain: what verifies afterwards, and everything that is refused before a transaction is sent."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account
from typer.testing import CliRunner, Result

from alliance.calendar import day_at
from alliance.identity import to_hex
from chain import pinned
from chain.settlements import SettlementLedger
from cli.deploy import app, gas_bound
from oracle import deployment as deployments
from oracle.signature import SecpSigner
from simulation.anvil import Anvil, AnvilMissing, binary

GENESIS_S = 1_767_196_800  # 2026-01-01 00:00 in Shanghai
DEPLOYER = SecpSigner(b"\x41" * 32)
POOR = SecpSigner(b"\x42" * 32)
PASSWORD = "of the tests alone"
ROLES = {
    name: to_hex(SecpSigner(bytes([0x50 + at]) * 32).address)
    for at, name in enumerate(("admitter", "attestor", "settler", "guardian", "writer"))
}


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    try:
        binary()
    except AnvilMissing as missing:
        pytest.skip(f"no development chain: {missing}")
    with Anvil(genesis_s=GENESIS_S, block_time_s=1, funded=[DEPLOYER.address]) as started:
        yield started


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Encrypted keystores, and the file with their password."""
    folder = tmp_path_factory.mktemp("keys")
    for name, signer in (("deployer", DEPLOYER), ("poor", POOR)):
        kept = Account.encrypt(signer._key.secret, PASSWORD, kdf="pbkdf2", iterations=1_000)
        (folder / name).write_text(json.dumps(kept))
    (folder / "password").write_text(PASSWORD + "\n")
    (folder / "password").chmod(0o600)
    return folder


def deploy(anvil: Anvil, keys: Path, out: Path, *more: str, key: str = "deployer", **changes: str) -> Result:
    roles = [part for name, account in (ROLES | changes).items() for part in (f"--{name}", account)]
    fixed = ["--rpc", anvil.url, "--keystore", str(keys / key), "--out", str(out), "--tip-gwei", "1"]
    if "--password-file" not in more:
        more = (*more, "--password-file", str(keys / "password"))
    return CliRunner().invoke(app, [*fixed, *roles, *more])


def sent(anvil: Anvil) -> int:
    return anvil.rpc.nonce(DEPLOYER.address, "pending")


def test_deployment_verifies_and_the_deployer_is_powerless_when_it_was_deployed(
    anvil: Anvil, keys: Path, tmp_path: Path
) -> None:
    out, before = tmp_path / "new" / "31337.json", anvil.rpc.balance_wei(DEPLOYER.address)
    tried = deploy(anvil, keys, out, "--dry-run")
    assert (tried.exit_code, out.exists(), sent(anvil)) == (0, False, 0), tried.output
    done = deploy(anvil, keys, out, "--yes", "--window-s", "86400")
    assert done.exit_code == 0, done.output
    deployment = deployments.load(out)
    assert json.loads(done.stdout) == json.loads(out.read_text())
    pinned.check(anvil.rpc, deployment)
    pinned.check_powerless(anvil.rpc, deployment, DEPLOYER.address)
    ledger = SettlementLedger(anvil.rpc, deployment["SettlementLedger"].address)
    assert ledger.next_day() == day_at(GENESIS_S * 1000).plus(1)
    assert ledger.window_seconds() == 86_400
    assert sent(anvil) == len(deployments.CONTRACTS)
    again = deploy(anvil, keys, out, "--yes")
    assert (again.exit_code, sent(anvil)) == (1, len(deployments.CONTRACTS))
    assert "already_deployed" in again.stderr
    used = sum(
        receipt.gas_used
        for number in range(anvil.rpc.block_number() + 1)
        for tx_hash in (anvil.rpc.block(number) or pytest.fail("no block")).transactions
        if (receipt := anvil.rpc.receipt(tx_hash)) is not None
    )
    print(f"gas of the creations: {used:,}, bound {gas_bound():,}")
    assert used < gas_bound() < 2 * used
    assert anvil.rpc.balance_wei(DEPLOYER.address) < before


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"settler": ROLES["attestor"]}, "roles_not_separate: first=attestor, second=settler"),
        ({"writer": to_hex(DEPLOYER.address)}, "deployer_holds_role: role=writer"),
        ({"guardian": "0x" + "00" * 20}, "role_holder_missing: role=guardian"),
        ({"admitter": "0x12"}, "bad_hex: field=admitter"),
    ],
)
def test_nothing_is_sent_when_a_role_is_wrong(
    anvil: Anvil, keys: Path, tmp_path: Path, changes: dict[str, str], named: str
) -> None:
    before = sent(anvil)
    done = deploy(anvil, keys, tmp_path / "out.json", "--yes", **changes)
    assert done.exit_code in (1, 2)
    assert named in done.stderr
    assert done.stderr.count("\n") == 1
    assert (sent(anvil), (tmp_path / "out.json").exists()) == (before, False)


def test_nothing_is_sent_when_the_deployer_cannot_pay(anvil: Anvil, keys: Path, tmp_path: Path) -> None:
    done = deploy(anvil, keys, tmp_path / "out.json", "--yes", key="poor")
    assert (done.exit_code, "balance_too_low" in done.stderr) == (1, True), done.output
    assert to_hex(POOR.address) in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--first-day", "2026-01-01"), "day_too_early: first_day=2026-01-01, earliest=2026-01-02"),
        (("--first-day", "tomorrow"), "bad_day"),
    ],
)
def test_nothing_is_sent_when_the_first_day_is_wrong(
    anvil: Anvil, keys: Path, tmp_path: Path, arguments: tuple[str, ...], named: str
) -> None:
    before = sent(anvil)
    done = deploy(anvil, keys, tmp_path / "out.json", "--yes", *arguments)
    assert (done.exit_code != 0, named in done.stderr, sent(anvil)) == (True, True, before), done.output


def test_key_stays_shut_when_password_or_its_file_is_wrong(anvil: Anvil, keys: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("guess")
    wrong.chmod(0o644)
    out = tmp_path / "out.json"
    exposed = deploy(anvil, keys, out, "--yes", "--password-file", str(wrong))
    assert (exposed.exit_code, "key_file_exposed" in exposed.stderr) == (1, True), exposed.output
    wrong.chmod(0o600)
    shut = deploy(anvil, keys, out, "--yes", "--password-file", str(wrong))
    assert (shut.exit_code, "keystore_refused" in shut.stderr) == (1, True), shut.output
    assert "guess" not in shut.output


def test_nothing_is_sent_when_it_is_not_confirmed_or_there_is_no_node(anvil: Anvil, keys: Path, tmp_path: Path) -> None:
    before = sent(anvil)
    fixed = ["--keystore", str(keys / "deployer"), "--out", str(tmp_path / "out.json")]
    roles = [part for name, account in ROLES.items() for part in (f"--{name}", account)]
    asked = CliRunner().invoke(app, ["--rpc", anvil.url, *fixed, *roles], input=f"{PASSWORD}\nn\n")
    assert (asked.exit_code, sent(anvil)) == (1, before), asked.output
    gone = CliRunner().invoke(app, ["--rpc", "http://127.0.0.1:1", *fixed, *roles], input=f"{PASSWORD}\n")
    assert (gone.exit_code, "rpc_unavailable" in gone.stderr) == (2, True), gone.output
