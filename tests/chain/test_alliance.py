"""The whole alliance on a real chain: what Python signs, hashes and proves is what the contracts accept, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from alliance.calendar import SLOT_MS, day_at, epoch_at
from alliance.errors import AllianceError
from alliance.fleet import StationType
from alliance.identity import Address, Digest, LeaseId, MemberId, StationId
from alliance.reading import ChannelKind, Reading
from alliance.segment import START, Head, SignedSegment, conflict
from alliance.voting import Ballot, ProposalState, VotingRules
from chain import anchors, charter, deploy, devices, events, leases, pinned, registry, settlements
from chain.anchors import Advance, AnchorLog, ReadingProof
from chain.charter import Charter
from chain.devices import DeviceRegistry
from chain.events import Checkpoint, Leased, SignerFrozen, StatementPosted
from chain.follower import Follower
from chain.leases import CapacityLease, OfferTerms
from chain.registry import AllianceRegistry, MemberStatus, StationSpec
from chain.reverts import Reverted
from chain.rpc import Receipt
from chain.rulings import agreed
from chain.settlements import Posting, SettlementLedger
from oracle import eip712, log, merkle, segment
from oracle import reading as reading_bytes
from oracle.deployment import Deployment, from_plain, to_plain
from oracle.hashing import keccak256, sha256
from oracle.merkle import HashTree
from oracle.segment import SealedSegment
from oracle.signature import SecpSigner, expand

DEVICE = SecpSigner(b"\x2a" * 32)
SECRET = sha256(b"segment secret")
VALIDITY_S = 365 * 86_400
MECHANISM = charter.Mechanism(
    priority=1, metering=charter.Metering.BATTERY, price_rule=charter.PriceRule.RENT_AND_WEAR, offerable_bp=8_000,
    max_rent_cents_per_kw_year=50_000, min_sla_bp=9_000, max_term_slots=35_040,
)  # fmt: skip
SPEC = StationSpec(
    station_type=StationType.THIRD_PARTY, region=320_703, charge_power_w=5_000_000, discharge_power_w=5_000_000,
    capacity_wh=20_000_000, pcc_import_w=8_000_000, pcc_export_w=6_000_000,
)  # fmt: skip


class Joined:
    """Six admitted members with a station each; the sixth's device is enrolled, attested and bound."""

    def __init__(self, world) -> None:
        self.world, self.chain, self.deployment = world, world.chain, world.deployment
        rpc, at = world.chain.rpc, lambda name: world.deployment[name].address
        self.registry = AllianceRegistry(rpc, at("AllianceRegistry"))
        self.devices = DeviceRegistry(rpc, at("DeviceRegistry"))
        self.leases = CapacityLease(rpc, at("CapacityLease"))
        self.log = AnchorLog(rpc, at("AnchorLog"))
        self.ledger = SettlementLedger(rpc, at("SettlementLedger"))
        self.charter = Charter(rpc, at("Charter"))
        self.receipts: dict[str, Receipt] = {}
        self._join()
        self._enrol()

    def send(self, what: str, key: SecpSigner, name: str, data: bytes) -> Receipt:
        self.receipts[what] = self.world.send(key, name, data)
        return self.receipts[what]

    def _join(self) -> None:
        world, name = self.world, "AllianceRegistry"
        commitments = [sha256(b"papers", bytes([n])) for n in range(6)]
        applied = [
            (key, name, registry.apply_for_membership(c)) for key, c in zip(world.members, commitments, strict=True)
        ]
        world.send_all(applied)
        admitted = [(world.admitter, name, registry.admit(key.address)) for key in world.members]
        self.receipts["admit"] = world.send_all(admitted)[-1]
        stations = [
            (key, name, registry.register_station(replace(SPEC, region=320_703 + n)))
            for n, key in enumerate(world.members)
        ]
        self.receipts["registerStation"] = world.send_all(stations)[-1]
        safe = registry.sign_safety_agreement(StationId(6), sha256(b"safety"))
        self.receipts["signSafetyAgreement"] = world.send(world.members[5], name, safe)

    def _enrol(self) -> None:
        owner, deadline = self.world.members[5], self.chain.now_s + 3600
        named = eip712.enrol_digest(
            self.deployment.domain, device=DEVICE.address, owner=owner.address, station=6,
            nonce=self.devices.nonce(DEVICE.address), deadline_s=deadline,
        )  # fmt: skip
        data = devices.enrol(DEVICE.address, StationId(6), deadline_s=deadline, signature=DEVICE.sign(named))
        self.send("enrol", owner, "DeviceRegistry", data)
        attest = devices.attest(DEVICE.address, validity_s=VALIDITY_S)
        self.send("attest", self.world.attestor, "DeviceRegistry", attest)
        for channel, kind in ((1, ChannelKind.METER), (2, ChannelKind.BATTERY)):
            bind = devices.bind_channel(
                DEVICE.address, channel, kind=kind, station=StationId(6), from_s=self.chain.now_s
            )
            self.send("bindChannel", self.world.attestor, "DeviceRegistry", bind)


@pytest.fixture
def joined(world) -> Joined:
    return Joined(world)


def test_deployer_is_powerless_and_the_deployment_is_pinned_when_contracts_are_deployed(world) -> None:
    rpc, deployment = world.chain.rpc, world.deployment
    assert from_plain(to_plain(deployment)) == deployment
    pinned.check(rpc, deployment)
    pinned.check_powerless(rpc, deployment, world.deployer.address)
    for name, holder in (
        ("ADMITTER", world.admitter),
        ("ATTESTOR", world.attestor),
        ("SETTLER", world.settler),
        ("WRITER", world.writer),
    ):
        with pytest.raises(pinned.RoleHeld, match=name):
            pinned.check_powerless(rpc, deployment, holder.address)
    with pytest.raises(pinned.RoleHeld, match="ADMIN"):
        pinned.check_powerless(rpc, deployment, deployment["Charter"].address)
    for name, data in (
        ("AllianceRegistry", registry.admit(world.members[0].address)),
        ("AllianceRegistry", registry.grant_role(registry.SETTLER, world.deployer.address)),
        ("AllianceRegistry", registry.add_contract(keccak256(b"AnchorLog"), world.deployer.address)),
        ("AllianceRegistry", registry.pause()),
        ("AnchorLog", anchors.rotate_writer(world.deployer.address)),
        ("AnchorLog", anchors.close()),
    ):
        with pytest.raises(Reverted, match=r"AccessControlUnauthorizedAccount|LogNotAdmin"):
            world.send(world.deployer, name, data)


@pytest.mark.parametrize("what", ["chain_id", "genesis_hash", "epoch_seconds", "start_epoch"])
def test_node_is_refused_when_it_differs_from_the_pinned_deployment(world, what: str) -> None:
    wrong: dict[str, object] = {"chain_id": 1, "genesis_hash": Digest(bytes(32)), "epoch_seconds": 60, "start_epoch": 5}
    with pytest.raises(pinned.PinnedDiffers):
        pinned.check(world.chain.rpc, replace(world.deployment, **{what: wrong[what]}))


def test_node_is_refused_when_a_contract_is_another(world) -> None:
    contracts = dict(world.deployment.contracts)
    contracts["AnchorLog"] = replace(contracts["AnchorLog"], code_hash=Digest(bytes(32)))
    with pytest.raises(pinned.PinnedDiffers, match="code of AnchorLog"):
        pinned.check(world.chain.rpc, replace(world.deployment, contracts=contracts))
    second = _second_alliance(world)
    contracts["AnchorLog"] = second["AnchorLog"]
    with pytest.raises(pinned.PinnedDiffers, match="listed AnchorLog"):
        pinned.check(world.chain.rpc, replace(world.deployment, contracts=contracts))


def _second_alliance(world) -> Deployment:
    roles = deploy.RoleHolders(
        admitter=world.admitter.address, attestor=world.attestor.address, settler=world.settler.address,
        guardian=world.admitter.address, writer=world.writer.address,
    )  # fmt: skip
    terms = deploy.Terms(roles=roles, start_epoch=world.deployment.start_epoch, first_day=day_at(world.chain.now_ms))
    return deploy.deploy(world.chain.rpc, world.chain.wallet(world.deployer), terms)


def test_deployment_says_so_when_another_transaction_took_the_foreseen_nonce(world, monkeypatch) -> None:
    from chain.wallet import Wallet

    real = Wallet.broadcast
    once = iter([True])

    def disturbed(self, to, data):
        if next(once, False):
            real(self, world.members[0].address, b"")
        return real(self, to, data)

    monkeypatch.setattr(Wallet, "broadcast", disturbed)
    with pytest.raises(deploy.AddressDisturbed, match="AllianceRegistry"):
        _second_alliance(world)


def test_six_members_stand_on_the_roster_when_they_were_admitted(joined: Joined) -> None:
    accounts = [key.address for key in joined.world.members]
    numbers = tuple(MemberId(n) for n in range(1, 7))
    assert tuple(joined.registry.member_number(a) for a in accounts) == numbers == joined.registry.roster()
    assert [joined.registry.member_address(n) for n in numbers] == accounts
    assert joined.registry.member_status(accounts[0]) is MemberStatus.ADMITTED
    assert joined.registry.member_number(joined.world.deployer.address) is None
    assert joined.registry.station(StationId(6)) == (replace(SPEC, region=320_708), accounts[5])
    today = day_at(joined.chain.now_ms)
    assert joined.registry.roster_hash_at(today) == registry.roster_hash(())
    joined.chain.mine_until(today.plus(1).start_ms // 1000)
    assert joined.registry.roster_hash_at(today.plus(1)) == registry.roster_hash(numbers)
    with pytest.raises(Reverted, match="RosterNotYetKnown"):
        joined.registry.roster_hash_at(today.plus(2))


def test_device_may_sign_when_it_consented_and_was_attested(joined: Joined) -> None:
    device, owner = DEVICE.address, joined.world.members[5].address
    assert joined.devices.is_signer(device, device)
    assert joined.devices.identity_owner(device) == owner
    enrolled, signer = joined.devices.device(device), joined.devices.signer(device, device)
    assert enrolled is not None
    assert (enrolled.station, enrolled.attestor) == (6, joined.world.attestor.address)
    assert signer.valid_to_s == enrolled.attested_at_s + VALIDITY_S
    assert signer.compromised_since is None
    assert [joined.devices.channel(device, c).kind for c in (1, 2)] == [ChannelKind.METER, ChannelKind.BATTERY]
    assert joined.devices.channel(device, 3) is None
    assert joined.devices.device(owner) is None
    assert not joined.devices.is_signer(device, owner)
    joined.send(
        "compromisedSince", joined.world.attestor, "DeviceRegistry",
        devices.compromised_since(device, device, epoch=joined.chain.now_s // 900),
    )  # fmt: skip
    assert not joined.devices.is_signer(device, device)
    assert joined.devices.signer(device, device).compromised_since == joined.chain.now_s // 900


@pytest.mark.parametrize("bent", ["device", "station", "deadline", "signer"])
def test_enrolment_is_refused_when_the_consent_is_for_something_else(joined: Joined, bent: str) -> None:
    device, owner, deadline = SecpSigner(b"\x2b" * 32), joined.world.members[1], joined.chain.now_s + 3600
    signed_for = {"device": device.address, "station": 2, "deadline": deadline}
    wrong = {"device": DEVICE.address, "station": 3, "deadline": deadline + 1}
    signed_for |= {bent: wrong[bent]} if bent in wrong else {}
    named = eip712.enrol_digest(
        joined.deployment.domain, device=signed_for["device"], owner=owner.address, station=signed_for["station"],
        nonce=0, deadline_s=signed_for["deadline"],
    )  # fmt: skip
    signature = (DEVICE if bent == "signer" else device).sign(named)
    data = devices.enrol(device.address, StationId(2), deadline_s=deadline, signature=signature)
    with pytest.raises(Reverted, match="ConsentNotByDevice"):
        joined.send("enrol", owner, "DeviceRegistry", data)


def test_key_is_replaced_when_the_outgoing_key_signed_for_the_new_one(joined: Joined) -> None:
    new = SecpSigner(b"\x2c" * 32)
    rotate_type = keccak256(b"Rotate(address device,address newKey,uint64 validity,uint256 nonce)")
    nonce = joined.devices.nonce(DEVICE.address)
    named = joined.deployment.domain.digest(rotate_type, DEVICE.address, new.address, VALIDITY_S, nonce)
    data = devices.rotate(DEVICE.address, new.address, validity_s=VALIDITY_S, signature=expand(DEVICE.sign(named)))
    joined.send("rotate", joined.world.members[0], "DeviceRegistry", data)
    assert joined.devices.is_signer(DEVICE.address, new.address)
    assert not joined.devices.is_signer(DEVICE.address, DEVICE.address)
    with pytest.raises(Reverted):
        joined.send("rotate", joined.world.members[0], "DeviceRegistry", data)


def _terms(joined: Joined) -> OfferTerms:
    return OfferTerms(
        station=StationId(6), power_w=2_000_000, energy_wh=8_000_000,
        first_slot=joined.chain.now_ms // SLOT_MS + 10, term_slots=960, eta_c_ppm=950_000, eta_d_ppm=940_000,
        rent_cents_per_kw_year=30_000, wear_price=-5, handover_wh=1_000_000, handover_price=40_000, sla_bp=9_500,
        sla_factor_bp=20_000, price_version=1,
    )  # fmt: skip


def _tomorrow(joined: Joined) -> int:
    return day_at(joined.chain.now_ms).plus(1).first_slot


def test_lease_is_the_rules_lease_when_an_offer_is_accepted(joined: Joined) -> None:
    terms = _terms(joined)
    joined.send("offer", joined.world.members[5], "CapacityLease", leases.offer(terms))
    assert joined.leases.offer(1) == (terms, False)
    with pytest.raises(Reverted, match="LeaseBeforeRoster"):  # joined today: on the roster from tomorrow
        today = leases.accept(1, power_w=1, energy_wh=1, first_slot=terms.first_slot, term_slots=96)
        joined.send("accept", joined.world.members[2], "CapacityLease", today)
    first = _tomorrow(joined) + 5
    accept = leases.accept(1, power_w=1_500_000, energy_wh=6_000_000, first_slot=first, term_slots=96)
    receipt = joined.send("accept", joined.world.members[2], "CapacityLease", accept)
    leased = joined.leases.lease(LeaseId(1))
    assert (leased.owner, leased.lessee, leased.station, leased.wear_price) == (6, 3, 6, -5)
    assert leased.rent_cents == (1_500_000 * 30_000 * 96 * 2 + 35_040_000) // (2 * 35_040_000)
    event = events.decode(receipt.logs[-1], timestamp_s=joined.chain.now_s)
    assert isinstance(event, Leased)
    assert event.lease == leased
    assert joined.leases.live_leases(1) == (1,)
    assert joined.leases.leased_at(1, leased.first_slot).power_w == 1_500_000
    with pytest.raises(
        Reverted, match=f"LeasePowerOversold\\(1, {leased.first_slot + 90}, 2000000, 1500000, 600000\\)"
    ):
        joined.send(
            "accept", joined.world.members[3], "CapacityLease",
            leases.accept(1, power_w=600_000, energy_wh=1, first_slot=leased.first_slot + 90, term_slots=10),
        )  # fmt: skip
    for key in (joined.world.members[2], joined.world.members[5]):
        end = leases.end_early(LeaseId(1), end_slot=leased.first_slot + 50)
        joined.send("endEarly", key, "CapacityLease", end)
    assert joined.leases.lease_end(LeaseId(1)) == leased.first_slot + 50


@dataclass
class Book:
    """The log off chain: entries in order, and where each segment's entry stands."""

    tree: HashTree
    entries: list[log.Entry]

    def step(self, epoch: int, segments: list[SignedSegment]) -> Advance:
        old = self.tree.size
        for entry in log.arrange(epoch, segments, []):
            self.entries.append(entry)
            self.tree.append(merkle.leaf_hash(entry.raw))
        return Advance(
            epoch=epoch, old_size=old, new_size=self.tree.size, root=self.tree.root(),
            proof=tuple(self.tree.consistency_proof(old)), manifest=sha256(b"manifest", bytes([epoch % 256])),
        )  # fmt: skip


def _sealed(joined: Joined, head: Head, *, count: int = 15, power_w: int = -4321) -> SealedSegment:
    t_ms = epoch_at(joined.chain.now_ms) * 900_000
    covered = [
        segment.salted(
            Reading(
                channel=1,
                seq=head.next_seq + i,
                t_ms=t_ms + 60_000 * (i + 1),
                a=power_w,
                b=-7,
                c=2**40 + i,
                d=i,
                salt=b"",
            ),
            SECRET,
        )
        for i in range(count)
    ]
    closed = segment.close(
        covered, device=DEVICE.address, channel=1, head=head, closed_at_ms=t_ms + 900_000, beacon_block=2
    )
    raw = b"".join(map(reading_bytes.encode, covered))
    return SealedSegment(
        signed=segment.sign(closed, domain=joined.deployment.domain, signer=DEVICE), secret=SECRET if count else Digest(bytes(32)),
        readings=raw,
    )  # fmt: skip


def _advance(joined: Joined, book: Book, epoch: int, segments: list[SignedSegment]) -> Advance:
    step = book.step(epoch, segments)
    joined.chain.mine_until(max((epoch + 1) * 900, joined.chain.now_s + 1))
    joined.send("advance", joined.world.writer, "AnchorLog", anchors.advance(step))
    return step


def _proof(book: Book, sealed: SealedSegment, at: int) -> ReadingProof:
    leaves = [merkle.leaf_hash(leaf) for leaf in segment.split_readings(sealed.readings)]
    index = next(i for i, e in enumerate(book.entries) if e == log.segment_entry(sealed.signed))
    return ReadingProof(
        reading=segment.split_readings(sealed.readings)[at],
        reading_proof=tuple(HashTree(leaves).inclusion_proof(at)),
        signed=sealed.signed, entry_index=index, entry_proof=tuple(book.tree.inclusion_proof(index)),
    )  # fmt: skip


def test_log_grows_by_real_proofs_and_readings_are_proved_when_epochs_are_anchored(joined: Joined) -> None:
    book, first_epoch = Book(HashTree(), []), joined.deployment.start_epoch + 1
    one = _sealed(joined, START)
    first = _advance(joined, book, first_epoch, [one.signed])
    two = _sealed(joined, Head(next_seq=15, digest=one.signed.digest), power_w=4_999_999)
    second = _advance(joined, book, first_epoch + 1, [two.signed])
    state = joined.log.state()
    assert (state.root, state.size, state.epoch) == (book.tree.root(), book.tree.size, first_epoch + 1)
    for sealed in (one, two):
        for at, reading in enumerate(sealed.decoded()):
            proven = joined.log.prove(_proof(book, sealed, at))
            assert (proven.seq, proven.t_ms, proven.a, proven.b, proven.c, proven.d) == (
                reading.seq, reading.t_ms, reading.a, reading.b, reading.c, reading.d,
            )  # fmt: skip
            assert proven.signer == DEVICE.address
    good = _proof(book, two, 3)
    joined.receipts["prove"] = joined.chain.wallet(joined.world.deployer).send(
        joined.log.address, anchors.prove_call(good)
    )
    for bent, why in (
        (replace(good, reading=good.reading[:40] + b"\x09" + good.reading[41:]), "ReadingNotInSegment"),
        (replace(good, reading=good.reading[:-1]), "ReadingMalformed"),
        (replace(good, reading_proof=good.reading_proof[:-1]), "MerkleProofTooShort"),
        (replace(good, entry_index=good.entry_index - 1), r"MerkleProof|EntryNotInLog"),
        (replace(good, entry_proof=(Digest(bytes(32)), *good.entry_proof[1:])), "EntryNotInLog"),
        (
            replace(good, signed=replace(good.signed, segment=replace(good.signed.segment, beacon_block=3))),
            "SignerNotValid",
        ),
        (replace(good, signed=one.signed), "ReadingOutsideSegment"),
    ):
        with pytest.raises(Reverted, match=why):
            joined.log.prove(bent)
    joined.chain.mine_until((first_epoch + 3) * 900)
    fork = replace(second, epoch=first_epoch + 2, old_size=second.new_size, new_size=second.new_size + 1)
    for wrong, why in (
        (first, "LogEpochWrong"),
        (replace(fork, epoch=first_epoch + 3), "LogEpochWrong"),
        (replace(fork, old_size=first.new_size), "LogSizeWrong"),
        (replace(fork, new_size=fork.old_size), "LogNotGrowing"),
        (fork, r"LogInconsistent|MerkleProof"),
        (replace(fork, proof=()), "MerkleProofTooShort"),
    ):
        with pytest.raises(Reverted, match=why):
            joined.send("advance", joined.world.writer, "AnchorLog", anchors.advance(wrong))
    third = book.step(first_epoch + 2, [])
    with pytest.raises(Reverted, match="LogNotWriter"):
        joined.send("advance", joined.world.deployer, "AnchorLog", anchors.advance(third))
    signature = joined.world.writer.sign(anchors.advance_digest(joined.deployment.domain, third))
    with pytest.raises(Reverted, match="LogNotWriter"):
        joined.send(
            "relay",
            joined.world.members[0],
            "AnchorLog",
            anchors.advance_signed(replace(third, manifest=first.manifest), signature),
        )
    joined.send("advanceSigned", joined.world.members[0], "AnchorLog", anchors.advance_signed(third, signature))
    assert joined.log.state().root == book.tree.root()


def test_contract_and_rule_agree_when_two_segments_are_shown(joined: Joined) -> None:
    one = _sealed(joined, START).signed
    next_head = Head(next_seq=15, digest=one.digest)
    others = {
        "other readings": _sealed(joined, START, power_w=1).signed,
        "shorter": _sealed(joined, START, count=4).signed,
        "next": _sealed(joined, next_head).signed,
        "next gap": _sealed(joined, next_head, count=0).signed,
        "gap at the start": _sealed(joined, START, count=0).signed,
        "overlapping with another prev": _sealed(joined, Head(next_seq=14, digest=Digest(b"\1" * 32))).signed,
        "gap inside with another prev": _sealed(joined, Head(next_seq=5, digest=Digest(b"\1" * 32)), count=0).signed,
    }
    found = {}
    for name, other in others.items():
        snapshot = joined.chain.rpc.call("evm_snapshot")
        joined.chain.now_s = joined.chain.rpc.head().timestamp_s
        try:
            receipt = joined.send("equivocate", joined.world.members[0], "AnchorLog", anchors.equivocate(one, other))
            event = events.decode(receipt.logs[0], timestamp_s=0)
            assert isinstance(event, SignerFrozen)
            assert (event.first, event.second, event.signer) == (one.digest, other.digest, DEVICE.address)
            assert joined.log.frozen(DEVICE.address, DEVICE.address) == (event.at.block_number, event.size)
            found[name] = True
        except Reverted as refused:
            found[name] = refused.error != "SegmentsDoNotConflict"
        joined.chain.rpc.call("evm_revert", [snapshot])
        assert joined.log.frozen(DEVICE.address, DEVICE.address) is None
    assert found == {name: conflict(one, other) for name, other in others.items()}
    assert list(found.values()) == [True, True, False, False, True, True, False]
    with pytest.raises(Reverted, match="SegmentsAreOne"):
        joined.send("equivocate", joined.world.members[0], "AnchorLog", anchors.equivocate(one, one))


def test_domain_and_identity_agree_when_the_registry_computes_them(joined: Joined) -> None:
    assert joined.registry.domain_separator() == joined.deployment.domain.separator
    assert joined.registry.alliance_id() == joined.deployment.domain.alliance


def _posting(joined: Joined, **changes: object) -> Posting:
    members = tuple(MemberId(n) for n in range(1, 7))
    balances = settlements.balances_in_order(
        members, {1: -5_000, 2: 1_234, 3: -1, 6: 2**40, settlements.PLATFORM: 3_767, settlements.GRID: -(2**40)}
    )
    posting = Posting(
        day=day_at(joined.chain.now_ms).plus(-1), version=1, members=members, balances_cents=balances, root=sha256(b"root"),
        leaf_count=600, statement=sha256(b"statement"),
    )  # fmt: skip
    return replace(posting, **changes)


def test_statement_stands_and_is_corrected_and_becomes_final_when_it_is_posted(joined: Joined) -> None:
    joined.chain.mine_until(day_at(joined.chain.now_ms).plus(2).start_ms // 1000 + 1800)
    posting, settler = _posting(joined), joined.world.settler
    assert settlements.posting(settlements.post(posting)) == posting
    for wrong, why in (
        ({"balances_cents": (*posting.balances_cents[:-1], 1)}, "Statement"),
        ({"balances_cents": (posting.balances_cents[0] + 1, *posting.balances_cents[1:])}, "StatementNotZeroSum"),
        ({"members": posting.members[:-1]}, "Statement"),
        ({"members": posting.members[::-1]}, "StatementRosterWrong"),
        ({"version": 2}, "StatementVersionWrong"),
        ({"day": posting.day.plus(1)}, "Statement"),
    ):
        with pytest.raises(Reverted, match=why):
            joined.send("post", settler, "SettlementLedger", settlements.post(replace(posting, **wrong)))
    with pytest.raises(Reverted, match="StatementNotSettler"):
        joined.send("post", joined.world.writer, "SettlementLedger", settlements.post(posting))
    receipt = joined.send("post", settler, "SettlementLedger", settlements.post(posting))
    event = events.decode(receipt.logs[0], timestamp_s=joined.chain.now_s)
    assert isinstance(event, StatementPosted)
    assert (event.day, event.members, event.balances_cents) == (
        posting.day.number,
        posting.members,
        posting.balances_cents,
    )
    assert joined.ledger.balances_cents(posting.day) == posting.balances_cents
    with pytest.raises(Reverted, match="StatementVersionWrong"):
        joined.send("post", settler, "SettlementLedger", settlements.post(posting))
    change = settlements.balances_in_order(posting.members, {1: 10, 2: -10})
    joined.send(
        "correct", settler, "SettlementLedger", settlements.post(replace(posting, version=2, balances_cents=change))
    )
    assert joined.ledger.version_of(posting.day) == 2
    assert [joined.ledger.balance_cents(posting.day, n) for n in (1, 2, settlements.PLATFORM)] == [-4_990, 1_224, 3_767]
    assert joined.ledger.statement_of(posting.day, 1).statement == posting.statement
    assert joined.ledger.roster_of(posting.day) == posting.members
    final_at = joined.ledger.final_at_s(posting.day)
    assert final_at is not None
    paid = settlements.record_payment(posting.day, MemberId(1), sha256(b"receipt"))
    with pytest.raises(Reverted, match="StatementNotFinal"):
        joined.send("recordPayment", settler, "SettlementLedger", paid)
    joined.chain.mine_until(final_at)
    with pytest.raises(Reverted, match="StatementFinal"):
        joined.send(
            "correct", settler, "SettlementLedger", settlements.post(replace(posting, version=3, balances_cents=change))
        )
    joined.send("recordPayment", settler, "SettlementLedger", paid)
    assert joined.ledger.payment_at_s(posting.day, MemberId(1), sha256(b"receipt")) == joined.chain.now_s
    assert joined.ledger.next_day() == posting.day.plus(1)


def _vote(joined: Joined, proposal: int, *members: int, in_favour: bool = True) -> None:
    for member in members:
        joined.send("vote", joined.world.members[member - 1], "Charter", charter.vote(proposal, in_favour=in_favour))


def test_writer_is_replaced_when_members_voted_for_it_and_the_delay_has_passed(joined: Joined) -> None:
    log_address, data = joined.log.address, anchors.rotate_writer(joined.world.members[3].address)
    why = sha256(b"the writer's key was stolen")
    made = charter.propose(log_address, data, description=why)
    joined.send("propose", joined.world.members[0], "Charter", made)
    _vote(joined, 1, 1, 2, 3)
    _vote(joined, 1, 4, in_favour=False)
    assert joined.charter.state_of(1) is ProposalState.VOTING
    with pytest.raises(Reverted, match=r"CharterAlreadyVoted\(1, 2, 1\)"):
        _vote(joined, 1, 2)
    _vote(joined, 1, 5)
    assert joined.charter.state_of(1) is ProposalState.WAITING
    with pytest.raises(Reverted, match="CharterTooEarly"):
        joined.send("execute", joined.world.deployer, "Charter", charter.execute(1, data))
    proposal = joined.charter.proposal(1)
    assert (proposal.proposer, proposal.electorate, proposal.target) == (1, 6, log_address)
    assert (proposal.votes_for, proposal.votes_against, proposal.description_hash) == (4, 1, why)
    assert joined.charter.ballot_of(1, MemberId(4)) is Ballot.AGAINST
    joined.chain.mine_until(joined.charter.executable_from_s(1))
    joined.send("execute", joined.world.deployer, "Charter", charter.execute(1, data))
    assert joined.log.state().writer == joined.world.members[3].address
    assert joined.charter.state_of(1) is ProposalState.EXECUTED


@pytest.fixture
def quiet_web3() -> Iterator[None]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _compare_rulings(joined: Joined, applied: list[events.Event]) -> None:
    """What the events say holds on a day is what the contract's views say."""
    view, today = joined.charter, day_at(joined.chain.now_ms)
    for day in map(today.plus, range(-3, 4)):
        found = agreed(applied, day)
        assert found.fee_bp == view.fee_bp_at(day) == view.value_at(charter.FEE_BP, day)
        assert found.loss_ppm == view.value_at(charter.LOSS_PPM, day)
        assert found.tariff == view.pack_at(charter.TARIFF_PACK, day)
        assert found.groups == view.pack_at(charter.GROUPS_PACK, day)
    assert agreed(applied, today.plus(3)).fee_bp == 250


def _story_of_the_charter(joined: Joined) -> None:
    """Propose, vote, object and take back; set a fee; move a member; a station changes; a member goes."""
    key, at, world = joined.world.members, joined.chain.now_ms, joined.world
    moved, day = SecpSigner(b"\x2d" * 32).address, day_at(at).plus(2)
    calls = (
        ("AllianceRegistry", registry.move_member(MemberId(5), moved)),
        ("Charter", charter.set_value(charter.FEE_BP, from_day=day, value=250)),
        ("Charter", charter.set_pack(charter.TARIFF_PACK, from_day=day, pack_hash=charter.rule_hash({"pack": 1}))),
        ("Charter", charter.set_successor(keccak256(b"AnchorLog"), from_day=day, successor=moved)),
        ("Charter", charter.set_mechanism(StationType.USER_SIDE, from_day=day, mechanism=MECHANISM)),
    )
    for number, (name, data) in enumerate(calls, start=1):
        made = charter.propose(joined.deployment[name].address, data, description=sha256(b"why"))
        joined.send("propose", key[0], "Charter", made)
        _vote(joined, number, 1, 2, 3, 4)
    joined.send("object", key[5], "Charter", charter.object_to(1))
    joined.send("propose", key[1], "Charter", charter.propose(moved, b"data", description=sha256(b"no")))
    joined.send("cancel", key[1], "Charter", charter.cancel(len(calls) + 1))
    joined.chain.mine_until(joined.charter.executable_from_s(len(calls)))
    for number, (_, data) in enumerate(calls, start=1):
        joined.send("execute", world.deployer, "Charter", charter.execute(number, data))
    assert joined.registry.moved_to(key[4].address) == moved
    assert joined.charter.fee_bp_at(day) == 250
    assert joined.charter.fee_bp_at(day.plus(-1)) is None
    assert joined.charter.pack_at(charter.TARIFF_PACK, day) == charter.rule_hash({"pack": 1})
    assert joined.charter.successor_at(keccak256(b"AnchorLog"), day) == moved
    assert joined.charter.mechanism_at(StationType.USER_SIDE, day) == MECHANISM
    spec = replace(SPEC, region=320_708, charge_power_w=4_000_000)
    change = registry.propose_station_change(StationId(1), spec, sha256(b"safety 2"))
    joined.send("proposeStationChange", key[0], "AllianceRegistry", change)
    confirm = registry.confirm_station_change(StationId(1), spec, sha256(b"safety 2"))
    joined.send("confirmStationChange", world.admitter, "AllianceRegistry", confirm)
    guardian = SecpSigner(_guardian())
    joined.send("ask", guardian, "Charter", charter.ask_revocation(registry.SETTLER, world.settler.address))
    joined.send("confirm", key[1], "Charter", charter.confirm_revocation(registry.SETTLER, world.settler.address))
    joined.send("announceLeaving", key[3], "AllianceRegistry", registry.announce_leaving())


def test_every_event_is_read_as_web3_reads_it_when_a_whole_story_is_followed(
    joined: Joined, memory_store, quiet_web3
) -> None:
    from web3 import Web3
    from web3._utils.events import get_event_data

    from chain import artifacts

    book, epoch = Book(HashTree(), []), joined.deployment.start_epoch + 1
    joined.send(
        "setOwnNeed",
        joined.world.members[5],
        "CapacityLease",
        leases.set_own_need(StationId(6), power_w=1, energy_wh=2),
    )
    joined.send("offer", joined.world.members[5], "CapacityLease", leases.offer(_terms(joined)))
    accept = leases.accept(1, power_w=10**6, energy_wh=10**6, first_slot=_tomorrow(joined), term_slots=9)
    joined.send("accept", joined.world.members[2], "CapacityLease", accept)
    joined.send("withdrawOffer", joined.world.members[5], "CapacityLease", leases.withdraw_offer(1))
    joined.send("claim", joined.world.members[1], "AnchorLog", anchors.claim(sha256(b"lost")))
    _story_of_the_charter(joined)
    joined.send("pause", SecpSigner(_guardian()), "AllianceRegistry", registry.pause())
    _advance(joined, book, epoch, [_sealed(joined, START).signed])

    store = memory_store()
    contracts = [contract.address for contract in joined.deployment.contracts.values()]
    Follower(joined.chain.rpc, store, contracts=contracts, start_block=1, finality_blocks=2).follow()
    _compare_rulings(joined, store.applied)
    raw = joined.chain.rpc.logs(contracts, first=0, last=joined.chain.rpc.block_number())
    assert len(raw) == len(store.applied)
    names = {type(event).__name__ for event in store.applied}
    assert len(names) >= 38
    assert isinstance(store.applied[-1], Checkpoint)

    codec = Web3().codec
    abis = {
        keccak256((one["name"] + artifacts._types(one["inputs"])).encode()): one
        for name in joined.deployment.contracts for one in artifacts.load(name).abi if one["type"] == "event"
    }  # fmt: skip
    for plain, event in zip(raw, store.applied, strict=True):
        theirs = get_event_data(codec, abis[plain.topics[0]], _for_web3(plain))
        assert theirs["event"] == type(event).__name__
        ours = [getattr(event, name) for name in event.__dataclass_fields__ if name != "at"]
        assert list(map(_plain, ours)) == [_plain(theirs["args"][i["name"]]) for i in abis[plain.topics[0]]["inputs"]]


def _guardian() -> bytes:
    from eth_account import Account

    Account.enable_unaudited_hdwallet_features()
    return bytes(Account.from_mnemonic("test " * 11 + "junk", account_path="m/44'/60'/0'/0/6").key)


def _for_web3(plain) -> dict:
    return {
        "address": plain.address, "topics": list(plain.topics), "data": plain.data, "blockNumber": plain.block_number,
        "blockHash": plain.block_hash, "logIndex": plain.log_index, "transactionHash": plain.tx_hash, "transactionIndex": 0,
    }  # fmt: skip


def _plain(value: object) -> object:
    """Both sides in one form: bytes as hex, structs as tuples of their numbers."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, str):
        return value[2:].lower()
    if isinstance(value, (StationSpec, OfferTerms, charter.Mechanism)):
        return tuple(value.words)
    if isinstance(value, VotingRules):
        return charter.voting_words(value)
    if hasattr(value, "rent_cents"):
        return _lease_words(value)
    if isinstance(value, (list, tuple)):
        return tuple(map(_plain, value))
    if hasattr(value, "values") and not isinstance(value, int):
        words = tuple(map(_plain, value.values()))
        return words[1:] if len(words) == 20 and "offerId" in value else words
    return value


def _lease_words(lease) -> tuple:
    return (
        lease.version, lease.owner, lease.lessee, lease.station, lease.power_w, lease.energy_wh, lease.eta_c_ppm,
        lease.eta_d_ppm, lease.rent_cents, lease.first_slot, lease.term_slots, lease.wear_price, lease.handover_wh,
        lease.handover_price, lease.sla_bp, lease.sla_factor_bp, lease.weekday_mask, lease.day_first_slot, lease.day_slots,
    )  # fmt: skip


@pytest.mark.parametrize("cut", ["data", "topics", "kind"])
def test_event_is_malformed_when_its_log_does_not_carry_its_fields(joined: Joined, cut: str) -> None:
    bound = joined.receipts["bindChannel"].logs
    plain = next(one for one in bound if isinstance(events.decode(one, timestamp_s=0), events.ChannelBound))
    bent = {
        "data": replace(plain, data=plain.data[:-1]),
        "topics": replace(plain, topics=plain.topics[:-1]),
        "kind": replace(plain, data=bytes(31) + b"\x63" + plain.data[32:]),
    }[cut]
    with pytest.raises(events.EventMalformed, match="ChannelBound"):
        events.decode(bent, timestamp_s=0)


def test_log_is_no_event_of_ours_when_its_topic_is_unknown(joined: Joined) -> None:
    plain = joined.receipts["attest"].logs[0]
    assert events.decode(replace(plain, topics=(Digest(bytes(32)),)), timestamp_s=0) is None
    assert events.decode(replace(plain, topics=()), timestamp_s=0) is None


def test_view_says_so_when_there_is_no_contract(joined: Joined) -> None:
    from chain.contract import ContractSilent

    with pytest.raises(ContractSilent):
        AnchorLog(joined.chain.rpc, Address(b"\x77" * 20)).state()


def test_gas_stays_within_its_budget_when_an_epoch_is_anchored(joined: Joined) -> None:
    """Protocol 5: 41,000–60,000 gas an epoch; printed so that the release notes can state it."""
    book, epoch = Book(HashTree(), []), joined.deployment.start_epoch + 1
    head, costs = START, []
    for number in range(12):
        sealed = _sealed(joined, head)
        head = Head(next_seq=head.next_seq + 15, digest=sealed.signed.digest)
        _advance(joined, book, epoch + number, [sealed.signed])
        costs.append(joined.receipts["advance"].gas_used)
    print("gas of advance:", costs, {name: receipt.gas_used for name, receipt in joined.receipts.items()})
    assert max(costs[1:]) < 60_000


def test_allianceerror_is_the_root_of_everything_raised_here() -> None:
    for kind in (Reverted, pinned.PinnedDiffers, events.EventMalformed, deploy.CodeUnexpected):
        assert issubclass(kind, AllianceError)
