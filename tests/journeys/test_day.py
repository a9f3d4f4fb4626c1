"""The whole day of the demo: its result, its money on chain, and the auditor with the service gone and data altered."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from alliance.identity import Address, Digest, StationId
from chain.rpc import Rpc
from chain.settlements import SettlementLedger
from edge.evidence.sampling import METER_CHANNEL
from oracle import cbor, encryption, log, statement_document
from oracle import deployment as deployments
from oracle.archive import FolderArchive
from oracle.deployment import Deployment
from oracle.document import open_salted
from oracle.log import DOCUMENT_TYPES
from oracle.segment import SealedSegment
from simulation import readers
from simulation.demo import LIVE_TICKS, TICK_MS
from tests.demo_day import DAY, PlayedDay, Tell
from tests.journeys.traces import Traces, audit, device_of, key_of, traces, verify

FIELDS = {
    "members", "parties", "net_sum_cents", "readings", "segments", "epochs", "certified_gap", "gas_total",
    "gas_per_reading", "audit", "wall_s",
}  # fmt: skip
BESIDE = {"day", "statement_root"}
MEMBER_FIELDS = {
    "name", "charged_wh", "discharged_wh", "saving_alone_cents", "saving_together_cents", "lease_cents", "fee_cents",
    "net_cents",
}  # fmt: skip
STATION, SLOT = StationId(3), 40
"""Where the archive is altered."""
LARGEST_GAP = 0.001


def test_result_has_the_promised_fields_when_the_day_is_over(played_day: PlayedDay) -> None:
    result = played_day.result
    assert played_day.exit_code == 0
    assert json.loads(played_day.printed.splitlines()[-1]) == result
    assert set(result) == FIELDS | BESIDE
    assert [set(member) for member in result["members"]] == [MEMBER_FIELDS] * 6
    assert [set(party) for party in result["parties"]] == [{"id", "kind", "net_cents"}] * len(result["parties"])
    assert {"grid", "platform"} < {party["id"] for party in result["parties"]}
    assert result["audit"] == "pass"


def test_day_is_complete_and_sums_to_zero_when_it_is_settled(played_day: PlayedDay, tell: Tell) -> None:
    result = played_day.result
    counts = traces(played_day.live.state, played_day.played.rpc_url).counts()
    tell({**counts, **{name: result[name] for name in sorted(FIELDS - {"members", "parties"})}})
    assert result["net_sum_cents"] == sum(party["net_cents"] for party in result["parties"]) == 0
    assert result["readings"] >= 6 * 2 * 1440
    assert counts["lost"] == counts["readings_twice"] == counts["readings_missing"] == counts["logged_twice"] == 0
    assert counts["anchored_twice"] == counts["settled_twice"] == 0
    assert counts["settled"] == 1


def test_plan_is_followed_and_nearly_the_best_when_the_day_is_played(played_day: PlayedDay) -> None:
    members = played_day.result["members"]
    assert 0 <= played_day.result["certified_gap"] < LARGEST_GAP
    assert [m["name"] for m in members if min(m["charged_wh"], m["discharged_wh"]) <= 0] == []
    assert sum(m["lease_cents"] for m in members) == 0
    assert sum(m["saving_together_cents"] for m in members) >= sum(m["saving_alone_cents"] for m in members)
    platform = next(party for party in played_day.result["parties"] if party["kind"] == "platform")
    assert platform["net_cents"] == -sum(m["fee_cents"] for m in members) > 0


def test_every_partys_net_is_its_balance_on_chain(played_day: PlayedDay) -> None:
    with Rpc(played_day.played.rpc_url) as rpc:
        ledger = SettlementLedger(rpc, deployment_of(played_day)["SettlementLedger"].address)
        balances = ledger.balances_cents(DAY)
    assert [party["net_cents"] for party in played_day.result["parties"]] == list(balances)


@dataclass(frozen=True, kw_only=True)
class Remains:
    """What is left when the service is stopped and its database deleted: the archive, the chain, two receipts."""

    rpc: str
    archive: Path
    deployment: Path
    keys: Path
    """The folder of the readers' key files."""
    receipts: tuple[Path, ...]
    found: Traces

    def audit(
        self, archive: Path | None = None, *, reader: str | None = readers.AUDITOR
    ) -> tuple[int, dict[str, Any]]:  # fmt: skip
        key = None if reader is None else self.keys / f"{reader}.key"
        return audit(DAY, rpc=self.rpc, archive=archive or self.archive, deployment=self.deployment, key=key)

    def segment(self, station: StationId, slot: int, state: Path) -> tuple[int, SealedSegment]:
        """Epoch and segment of a station's meter that hold a slot."""
        device, epoch = device_of(state, station), DAY.first_slot + slot
        return next(
            (e, s) for e, s in self.found.segments
            if e == epoch and (s.signed.segment.device, s.signed.segment.channel) == (device, METER_CHANNEL)
        )  # fmt: skip


@pytest.fixture(scope="module")
def remains(played_day: PlayedDay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remains]:
    """The service stopped and its database out of reach; both come back for the tests that follow this file."""
    live, place = played_day.live, tmp_path_factory.mktemp("remains")
    found = traces(live.state, played_day.played.rpc_url)
    receipts = tuple(fetch_receipt(played_day, found, station, place) for station in (1, 4))
    service, aside = live.state / "service", place / "aside"
    aside.mkdir()
    live.demo.supervisor.drop("service")
    live.demo.processes.stop("service")
    for path in service.glob("*.sqlite*"):
        shutil.move(path, aside / path.name)
    shutil.copytree(service / "archive", place / "archive")
    shutil.copy(live.state / "deployment.json", place / "deployment.json")
    yield Remains(
        rpc=played_day.played.rpc_url, archive=place / "archive", deployment=place / "deployment.json",
        keys=played_day.played.key.parent,
        receipts=receipts, found=found,
    )  # fmt: skip
    for path in aside.iterdir():
        shutil.move(path, service / path.name)
    live.run(live.demo.restart("service"))
    live.run_until(live.now_ms + LIVE_TICKS * TICK_MS)  # every box shows its live values again


@pytest.fixture
def altered(remains: Remains, tmp_path: Path) -> FolderArchive:
    """A copy of the archive, to be tampered with."""
    shutil.copytree(remains.archive, tmp_path / "archive")
    return FolderArchive(tmp_path / "archive")


def test_audit_passes_when_the_service_is_stopped_and_its_database_deleted(
    played_day: PlayedDay, remains: Remains
) -> None:
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{played_day.played.service_url}/healthz", trust_env=False)
    assert list((played_day.live.state / "service").glob("*.sqlite*")) == []
    code, verdict = remains.audit()
    assert (code, verdict["verdict"], verdict["divergence"]) == (0, "pass", None)
    assert verdict["counts"]["lines"] > 0


@pytest.mark.parametrize("reader", [None, "member-3"])
def test_audit_says_what_it_could_not_read_when_it_has_no_key_or_a_members(
    remains: Remains, reader: str | None
) -> None:
    code, verdict = remains.audit(reader=reader)
    assert (code, verdict["verdict"], verdict["divergence"]) == (2, "unread", None)
    assert verdict["unread"]["what"] == "blocks"
    assert verdict["unread"]["why"].startswith("public part passes, ")


def test_archive_shows_nobody_a_reading_when_it_is_searched(remains: Remains) -> None:
    blocks = FolderArchive(remains.archive)
    raw = [blocks.get(digest) for digest in blocks.digests()]
    assert len(raw) > 500
    assert not [one for one in raw if b"SAR1" in one]


def test_audit_names_station_slot_and_reading_when_a_byte_of_a_reading_is_flipped(
    played_day: PlayedDay, remains: Remains, altered: FolderArchive
) -> None:
    epoch, sealed = remains.segment(STATION, SLOT, played_day.live.state)
    flip(altered, evidence_of(remains, epoch, sealed))
    code, verdict = remains.audit(altered.folder)
    assert (code, verdict["verdict"]) == (1, "fail")
    assert place(verdict) == (STATION, METER_CHANNEL, SLOT, sealed.signed.segment.first_seq), verdict


def test_audit_names_station_and_slot_when_a_segment_is_removed(
    played_day: PlayedDay, remains: Remains, altered: FolderArchive
) -> None:
    epoch, sealed = remains.segment(STATION, SLOT, played_day.live.state)
    altered.path(evidence_of(remains, epoch, sealed)).unlink()
    code, verdict = remains.audit(altered.folder)
    assert (code, verdict["verdict"]) == (1, "fail")
    assert place(verdict) == (STATION, METER_CHANNEL, SLOT, sealed.signed.segment.first_seq), verdict
    assert "withheld" in verdict["divergence"]["rule"]


def test_audit_names_the_line_when_a_cent_is_changed_in_the_statement(
    played_day: PlayedDay, remains: Remains, altered: FolderArchive
) -> None:
    name = remains.found.statements[0].statement
    key = key_of(played_day.live.state, remains.found.statements[0])
    opened = open_salted(altered.get(name), content_key=key)
    statement = statement_document.from_plain(opened.content)
    at = next(n for n, line in enumerate(statement.lines) if line.slot == SLOT and line.subject == STATION)
    line = statement.lines[at]
    lines = (*statement.lines[:at], replace(line, amount_cents=line.amount_cents + 1), *statement.lines[at + 1 :])
    plain = statement_document.to_plain(replace(statement, lines=lines))
    hidden = encryption.seal(cbor.encode({"salt": opened.salt, "document": cbor.encode(plain)}), key)
    altered.path(name).write_bytes(cbor.encode({"v": 1, "alg": 1, "sealed": hidden}))
    code, verdict = remains.audit(altered.folder)
    found = verdict["divergence"]
    assert (code, verdict["verdict"]) == (1, "fail")
    assert (found["station"], found["slot"]) == (STATION, SLOT), verdict
    assert found["expected"] == f"amount_cents={line.amount_cents}"
    assert found["got"] == f"amount_cents={line.amount_cents + 1}"


@pytest.mark.parametrize("what", ["manifest", "entries", "schedule or rule", "statement", "battery"])
def test_audit_fails_when_a_byte_of_any_kind_of_block_is_flipped(
    remains: Remains, altered: FolderArchive, what: str
) -> None:
    epoch = DAY.first_slot + SLOT
    made = remains.found.manifests[epoch]
    names: dict[str, Callable[[], Digest]] = {
        "manifest": lambda: next(c.manifest for c in remains.found.checkpoints if c.epoch == epoch),
        "entries": lambda: made.entries,
        "schedule or rule": lambda: next(iter(documents_of(remains, altered))),
        "statement": lambda: remains.found.statements[0].statement,
        "battery": lambda: next(row.evidence for row in made.rows if row.channel != METER_CHANNEL and row.evidence),
    }
    flip(altered, names[what]())
    code, verdict = remains.audit(altered.folder)
    assert (code, verdict["verdict"]) == (1, "fail"), verdict
    if what in ("manifest", "entries", "battery"):
        assert (verdict["divergence"]["epoch"], verdict["divergence"]["slot"]) == (epoch, SLOT)


def test_receipts_verify_when_the_service_is_gone(remains: Remains) -> None:
    for receipt in remains.receipts:
        code, verdict = verify(receipt, rpc=remains.rpc, deployment=remains.deployment)
        assert (code, verdict["verdict"]) == (0, "pass"), verdict
        assert verdict["reading"] is not None


@pytest.mark.parametrize(("field", "value"), [("anchorLog", "0x" + "42" * 20), ("chainId", 1)])
def test_receipt_is_refused_by_name_when_it_was_made_for_another_contract(
    remains: Remains, tmp_path: Path, field: str, value: object
) -> None:
    plain = json.loads(remains.receipts[0].read_text())
    assert field in plain
    foreign = tmp_path / "receipt.json"
    foreign.write_text(json.dumps(plain | {field: value}))
    code, verdict = verify(foreign, rpc=remains.rpc, deployment=remains.deployment)
    assert (code, verdict["verdict"]) == (1, "fail")
    assert field in verdict["divergence"]["rule"]
    assert str(value) in verdict["divergence"]["got"]


def test_receipt_is_refused_when_its_reading_was_altered(remains: Remains, tmp_path: Path) -> None:
    plain = json.loads(remains.receipts[0].read_text())
    raw = bytearray.fromhex(plain["reading"][2:])
    raw[20] ^= 1
    forged = tmp_path / "receipt.json"
    forged.write_text(json.dumps(plain | {"reading": "0x" + raw.hex()}))
    code, verdict = verify(forged, rpc=remains.rpc, deployment=remains.deployment)
    assert (code, verdict["verdict"]) == (1, "fail")


def deployment_of(played_day: PlayedDay) -> Deployment:
    return deployments.load(played_day.live.state / "deployment.json")


def fetch_receipt(played_day: PlayedDay, found: Traces, station: int, folder: Path) -> Path:
    """The receipt of a reading of a station at noon, as the service hands it out."""
    device = device_of(played_day.live.state, station)
    seq = next(
        reading.seq for _, s in found.segments
        if (s.signed.segment.device, s.signed.segment.channel) == (device, METER_CHANNEL)
        for reading in s.decoded() if reading.t_ms == DAY.start_ms + 12 * 3_600_000
    )  # fmt: skip
    alliance = deployment_of(played_day).domain.alliance
    name = f"0x{alliance.hex()}:0x{device.hex()}:{METER_CHANNEL}:{seq}"
    reply = httpx.get(f"{played_day.played.service_url}/v1/readings/{name}/receipt", trust_env=False)
    assert reply.status_code == 200, reply.text
    path = folder / f"receipt-{station}.json"
    path.write_text(reply.text)
    return path


def evidence_of(remains: Remains, epoch: int, sealed: SealedSegment) -> Digest:
    segment = sealed.signed.segment
    row = remains.found.manifests[epoch].row(Address(segment.device), segment.channel)
    assert row is not None
    assert row.evidence is not None
    return row.evidence


def documents_of(remains: Remains, archive: FolderArchive) -> Iterator[Digest]:
    """The documents of the log before the day, in order."""
    for epoch, made in remains.found.manifests.items():
        if epoch < DAY.first_slot:
            for entry in log.decode_entries(archive.get(made.entries)):
                if entry.type in DOCUMENT_TYPES:
                    yield entry.document


def flip(archive: FolderArchive, name: Digest) -> None:
    """Flip one bit in the middle of a block."""
    path = archive.path(name)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0x01
    path.write_bytes(bytes(raw))


def place(verdict: dict[str, Any]) -> tuple[object, ...]:
    found = verdict["divergence"]
    return found["station"], found["channel"], found["slot"], found["seq"]
