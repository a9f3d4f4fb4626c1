"""`alliance audit` and `alliance verify`: exit codes, one JSON object as the last line, one clear line otherwise."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alliance.identity import Address
from audit.auditor import read_chain
from chain.events import StatementPosted
from cli.audit import app as audit_app
from cli.verify import app as verify_app
from oracle import deployment as deployments
from oracle import receipt
from oracle.archive import BlockMissing, FolderArchive
from oracle.cbor import Cid, parse_cid
from simulation.anvil import free_port
from tests.audit.test_receipt import receipt_of
from tests.audit.world import DAY, Lies, World

Said = Callable[..., Result]


@pytest.fixture
def audit(world: World) -> Said:
    def run(*more: str, rpc: str = "", archive: str = "", day: str = str(DAY)) -> Result:
        place = archive or str(world.archive.folder)
        arguments = ["--rpc", rpc or world.anvil.url, "--archive", place, "--day", day]
        pinned = [] if "--deployment" in more else ["--deployment", str(world.deployment_file)]
        return CliRunner().invoke(audit_app, [*arguments, *pinned, *more])

    return run


class Gateway(ThreadingHTTPServer):
    """A trustless gateway over a folder; some blocks are not found, or every answer is an error."""

    def __init__(self, archive: FolderArchive) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.archive, self.hidden, self.broken = archive, set(), False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answer(BaseHTTPRequestHandler):
    server: Gateway

    def do_GET(self) -> None:
        name = self.path.removeprefix("/ipfs/").partition("?")[0]
        try:
            block = self.server.archive.get(parse_cid(name).digest)
        except BlockMissing:
            block = None
        status = 500 if self.server.broken else 404 if block is None or name in self.server.hidden else 200
        body = block if status == 200 and block is not None else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def gateway(honest: World) -> Iterator[Gateway]:
    server = Gateway(honest.archive)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def said(result: Result) -> dict:
    return json.loads(result.stdout.strip().splitlines()[-1])


def test_audit_exits_0_with_a_verdict_line_last_when_the_day_holds(honest: World, audit: Said) -> None:
    result = audit()
    assert result.exit_code == 0, result.output
    assert result.stdout.strip().splitlines()[-1].startswith("PASS 通过  2026-03-10")
    assert "readings 读数" in result.stdout


def test_audit_prints_one_json_object_last_when_asked(honest: World, audit: Said) -> None:
    result = audit("--json")
    assert result.exit_code == 0
    plain = said(result)
    assert (plain["verdict"], plain["day"], plain["divergence"]) == ("pass", "2026-03-10", None)
    assert set(plain["counts"]) >= {"epochs", "segments", "readings", "lines"}


def test_audit_exits_1_and_names_the_place_when_a_statement_is_missing(world: World, audit: Said) -> None:
    world.play(Lies(post=False))
    result = audit("--json")
    assert result.exit_code == 1
    found = said(result)["divergence"]
    assert set(found) >= {"station", "device", "seq", "slot", "rule", "expected", "got"}
    assert found["slot"] == 96
    line = audit().stdout.strip().splitlines()[-1]
    assert line.startswith("FAIL 不符")
    assert "expected 应为" in line


def test_audit_exits_2_when_the_node_does_not_answer(honest: World, audit: Said) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    for more in ((), ("--json",)):
        result = audit(*more, rpc=dead)
        assert result.exit_code == 2
    assert said(result)["verdict"] == "unread"


def test_audit_exits_2_when_the_archive_or_the_deployment_is_not_there(
    honest: World, audit: Said, tmp_path: Path
) -> None:
    assert audit(archive=str(tmp_path / "nowhere")).exit_code == 2
    assert audit("--deployment", str(tmp_path / "none.json")).exit_code == 2
    assert audit("--depth", "2").exit_code == 0


def test_audit_exits_1_when_the_chain_is_not_the_pinned_one(honest: World, audit: Said, tmp_path: Path) -> None:
    pinned = honest.deployment
    log = replace(pinned["AnchorLog"], address=pinned["DeviceRegistry"].address)
    for bent in (
        replace(pinned, genesis_hash=b"\x01" * 32), replace(pinned, chain_id=1),
        replace(pinned, contracts={**pinned.contracts, "AnchorLog": log}),
    ):  # fmt: skip
        file = tmp_path / "deployment.json"
        file.write_text(json.dumps(deployments.to_plain(bent)))
        result = audit("--json", "--deployment", str(file))
        assert result.exit_code == 1, result.output
        assert "5.6" in said(result)["divergence"]["rule"]


def test_audit_is_refused_when_the_day_is_no_day(honest: World, audit: Said) -> None:
    assert audit(day="2026-3-10").exit_code == 2


def test_audit_passes_when_the_archive_is_a_gateway(gateway: Gateway, audit: Said) -> None:
    result = audit("--json", archive=gateway.url)
    assert result.exit_code == 0, result.output


def test_block_that_a_gateway_does_not_find_was_withheld_and_an_error_was_not(
    honest: World, gateway: Gateway, audit: Said
) -> None:
    posted = read_chain(honest.rpc, honest.deployment, DAY).of(StatementPosted)[0]
    gateway.hidden.add(str(Cid(posted.statement)))
    result = audit("--json", archive=gateway.url)
    assert result.exit_code == 1
    assert "withheld" in said(result)["divergence"]["rule"]
    gateway.broken = True
    assert audit("--json", archive=gateway.url).exit_code == 2
    assert audit("--json", archive=f"http://127.0.0.1:{free_port()}").exit_code == 2


def test_verify_exits_0_1_or_2_as_the_receipt_deserves(honest: World, tmp_path: Path) -> None:
    good = receipt_of(honest)
    foreign = replace(good, anchor_log=Address(b"\x22" * 20))
    pinned = str(honest.deployment_file)

    def verify(plain: object, *more: str, rpc: str = "") -> Result:
        file = tmp_path / "receipt.json"
        file.write_text(plain if isinstance(plain, str) else json.dumps(plain))
        return CliRunner().invoke(
            verify_app, [str(file), "--rpc", rpc or honest.anvil.url, "--deployment", pinned, *more]
        )

    result = verify(receipt.to_plain(good), "--json")
    assert result.exit_code == 0
    assert said(result)["reading"]["station"] == 2
    assert verify(receipt.to_plain(good)).stdout.startswith("PASS 通过")
    result = verify(receipt.to_plain(foreign), "--json")
    assert result.exit_code == 1
    assert "anchorLog" in said(result)["divergence"]["rule"]
    assert verify("not json").exit_code == 1
    assert verify(receipt.to_plain(good), rpc=f"http://127.0.0.1:{free_port()}").exit_code == 2
