"""Protocol 7 in the service: proposals with their votes, what members agreed, who applied, moved and signed."""

import json
from pathlib import Path

import pytest

from alliance.calendar import day_at
from alliance.day import tariff_document
from alliance.fleet import StationType
from alliance.identity import MemberId, StationId
from alliance.lease import EarlyEnd
from alliance.rulepack import parse
from alliance.voting import VotingRules
from api.jobs.follow import Follow
from api.leases.queries import all_leases, early_ends
from chain import charter, leases, registry
from chain.charter import Mechanism, Metering, PriceRule
from chain.leases import OfferTerms
from chain.registry import StationSpec
from oracle.hashing import sha256
from oracle.signature import SecpSigner
from tests.api.conftest import ADMIN_TOKEN

PACK = Path(__file__).resolve().parents[2] / "simulation" / "packs" / "jiangsu-2025-06.json"
NEW_ACCOUNT = SecpSigner(b"\x2e" * 32)
MECHANISM = Mechanism(
    priority=1, metering=Metering.CONNECTION, price_rule=PriceRule.RENT_AND_WEAR, offerable_bp=8_000,
    max_rent_cents_per_kw_year=50_000, min_sla_bp=9_000, max_term_slots=35_040,
)  # fmt: skip


@pytest.fixture
def meeting(fresh_chain, service):
    """Members decide through the charter; the service follows."""
    return Meeting(service)


class Meeting:
    """What the tests do with the charter, and what the service says about it."""

    def __init__(self, service) -> None:
        self.service, self.world, self.made = service, service.world, 0

    def propose(self, contract: str, data: bytes, *, by: int = 1) -> int:
        call = charter.propose(self.world.deployment[contract].address, data, description=sha256(b"why"))
        self.world.send(self.world.members[by - 1], "Charter", call)
        self.made += 1
        return self.made

    def vote(self, proposal: int, *members: int, in_favour: bool = True) -> None:
        for member in members:
            self.world.send(
                self.world.members[member - 1], "Charter", charter.vote(proposal, in_favour=in_favour)
            )  # fmt: skip

    def decide(self, contract: str, data: bytes) -> int:
        number = self.propose(contract, data)
        self.vote(number, 1, 2)
        self.world.mine_at(self.world.now_s + VotingRules().delay_seconds)
        self.world.send(self.world.admitter, "Charter", charter.execute(number, data))
        return number

    def file(self, path: str, body: dict, key: str = "first"):
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Idempotency-Key": key, "accept-language": "en"}
        return self.service.client.post(f"/v1/{path}", json=body, headers=headers)

    def get(self, path: str, status: int = 200):
        Follow(self.service.platform).run(self.world.now_s * 1000)
        self.service.clock.t_ms = self.world.now_s * 1000
        reply = self.service.client.get(path)
        assert reply.status_code == status, reply.text
        return reply.json()


def test_proposal_is_shown_with_its_votes_when_members_vote(meeting: Meeting) -> None:
    data = registry.grant_role(registry.GUARDIAN, NEW_ACCOUNT.address)
    number = meeting.propose("AllianceRegistry", data)
    meeting.vote(number, 1)
    meeting.vote(number, 3, in_favour=False)
    shown = meeting.get("/v1/proposals")["items"]
    assert [one["proposal"] for one in shown] == ["1"]
    one = meeting.get("/v1/proposals/1")
    assert one == shown[0]
    assert (one["state"], one["votesFor"], one["votesAgainst"], one["electorate"]) == ("voting", 1, 1, 3)
    assert (one["contract"], one["call"], one["data"]) == (
        "AllianceRegistry", "grantRole(bytes32,address)", "0x" + data.hex(),
    )  # fmt: skip
    assert one["ballots"] == [{"member": 1, "ballot": "for"}, {"member": 3, "ballot": "against"}]
    assert one["executableFrom"] is None
    meeting.vote(number, 2)
    one = meeting.get("/v1/proposals/1")
    assert (one["state"], one["executableUntil"] - one["executableFrom"]) == ("waiting", 1_209_600_000)
    meeting.world.send(meeting.world.members[1], "Charter", charter.object_to(number))
    one = meeting.get("/v1/proposals/1")
    assert (one["state"], one["ballots"][1]) == ("cancelled", {"member": 2, "ballot": "objected"})


def test_state_is_that_of_the_contract_when_time_passes(meeting: Meeting) -> None:
    data = registry.grant_role(registry.GUARDIAN, NEW_ACCOUNT.address)
    view = charter.Charter(meeting.world.rpc, meeting.world.deployment["Charter"].address)
    rules, numbers = VotingRules(), [meeting.propose("AllianceRegistry", data) for _ in range(4)]
    meeting.vote(numbers[0], 1, 2)
    meeting.vote(numbers[1], 1)
    meeting.vote(numbers[2], 1, 2)
    meeting.world.send(meeting.world.members[0], "Charter", charter.cancel(numbers[3]))
    for step in (1, rules.delay_seconds, rules.voting_seconds, rules.grace_seconds):
        meeting.world.mine_at(meeting.world.now_s + step)
        if step == rules.delay_seconds:
            meeting.world.send(meeting.world.admitter, "Charter", charter.execute(numbers[2], data))
        shown = [one["state"] for one in meeting.get("/v1/proposals")["items"]]
        assert shown == [view.state_of(number).name.lower() for number in numbers]
    assert shown == ["lapsed", "rejected", "executed", "cancelled"]


def test_agreed_values_hold_from_their_day_when_they_were_executed(meeting: Meeting) -> None:
    first = day_at(meeting.world.now_s * 1000).plus(30)
    pack = charter.rule_hash({"pack": "x"})
    meeting.decide("Charter", charter.set_value(charter.FEE_BP, from_day=first, value=250))
    meeting.decide("Charter", charter.set_pack(charter.TARIFF_PACK, from_day=first, pack_hash=pack))
    meeting.decide("Charter", charter.set_mechanism(StationType.USER_SIDE, from_day=first, mechanism=MECHANISM))
    successor = charter.set_successor(
        sha256(b"unknown role"), from_day=first, successor=NEW_ACCOUNT.address
    )  # fmt: skip
    meeting.decide("Charter", successor)
    before, after = (meeting.get(f"/v1/charter?day={day}") for day in (first.plus(-1), first))
    assert (before["feeBp"], before["tariffPack"], before["mechanisms"]) == (None, None, [])
    assert (after["feeBp"], after["lossPpm"], after["tariffPack"]) == (250, None, "0x" + pack.hex())
    assert after["voting"]["quorumBp"] == 5_000
    assert after["mechanisms"] == [
        {
            "stationType": "user_side", "priority": 1, "metering": "connection", "priceRule": "rent_and_wear",
            "offerableBp": 8_000, "maxRentCentsPerKwYear": "50000", "minSlaBp": 9_000, "maxTermSlots": 35_040,
        }
    ]  # fmt: skip
    assert [one["successor"] for one in after["successors"]] == ["0x" + NEW_ACCOUNT.address.hex()]
    assert meeting.get("/v1/charter?day=nonsense", status=400)["code"] == "bad_day"


def test_rules_are_not_logged_when_members_agreed_on_others(meeting: Meeting) -> None:
    plain = json.loads(PACK.read_text())
    pack, first = parse(plain), day_at(meeting.world.now_s * 1000).plus(30)
    groups = {"fromDay": str(first), "groups": [{"group": 1, "stations": [1, 2]}]}
    other = sha256(b"another paper")
    for kind in (charter.TARIFF_PACK, charter.GROUPS_PACK):
        meeting.decide("Charter", charter.set_pack(kind, from_day=first, pack_hash=other))
    meeting.get("/v1/charter")
    meeting.service.clock.t_ms = first.start_ms - 3_600_000
    refused = meeting.file("rule-packs", {"pack": plain}), meeting.file("groupings", groups)
    assert [(r.status_code, r.json()["code"]) for r in refused] == [(409, "rules_not_agreed")] * 2
    assert "0x" + other.hex() in refused[0].json()["detail"]
    assert meeting.get("/v1/rule-packs") == []

    agreed = charter.rule_hash(tariff_document(pack))
    meeting.decide("Charter", charter.set_pack(charter.TARIFF_PACK, from_day=first.plus(30), pack_hash=agreed))
    fee = charter.set_value(charter.FEE_BP, from_day=first.plus(30), value=pack.fee_bp.value + 1)
    meeting.decide("Charter", fee)
    meeting.get("/v1/charter")
    meeting.service.clock.t_ms = first.plus(30).start_ms - 3_600_000
    refusal = meeting.file("rule-packs", {"pack": plain}, "wrong fee").json()
    assert (refusal["code"], str(pack.fee_bp.value + 1) in refusal["detail"]) == ("rules_not_agreed", True)
    meeting.decide("Charter", charter.set_value(charter.FEE_BP, from_day=first.plus(60), value=pack.fee_bp.value))
    meeting.get("/v1/charter")
    meeting.service.clock.t_ms = first.plus(60).start_ms - 3_600_000
    assert meeting.file("rule-packs", {"pack": plain}, "right fee").status_code == 201


def test_revocation_by_two_is_shown_when_a_member_agreed(meeting: Meeting) -> None:
    from chain.client import from_phrase
    from simulation.anvil import TEST_MNEMONIC

    guardian, world = from_phrase(TEST_MNEMONIC, 6), meeting.world
    world.send(guardian, "Charter", charter.ask_revocation(registry.SETTLER, world.settler.address))
    assert [(r["role"], r["member"]) for r in meeting.get("/v1/charter")["revocations"]] == [("SETTLER", None)]
    world.send(world.members[1], "Charter", charter.confirm_revocation(registry.SETTLER, world.settler.address))
    assert [(r["role"], r["member"]) for r in meeting.get("/v1/charter")["revocations"]] == [("SETTLER", 2)]


def test_stolen_account_is_nobody_when_its_member_was_moved(meeting: Meeting) -> None:
    world = meeting.world
    meeting.decide("AllianceRegistry", registry.move_member(MemberId(2), NEW_ACCOUNT.address))
    members = {one["member"]: one for one in meeting.get("/v1/members")["items"]}
    assert (members[2]["address"], members[2]["status"]) == ("0x" + NEW_ACCOUNT.address.hex(), "admitted")
    station = meeting.get("/v1/stations/2")
    assert (station["owner"], station["ownerAddress"]) == (2, "0x" + NEW_ACCOUNT.address.hex())
    for key, number in ((world.members[1], None), (NEW_ACCOUNT, 2)):
        token = meeting.service.sign_in(key, idempotency_key=key.address.hex())
        who = meeting.service.client.get("/v1/session", headers={"Authorization": f"Bearer {token}"}).json()
        assert who["member"] == number


def test_applications_are_shown_when_accounts_apply(meeting: Meeting) -> None:
    world, papers, reason = meeting.world, sha256(b"papers"), sha256(b"reason")
    world.anvil.set_balance(NEW_ACCOUNT.address, 10**20)
    world.send(NEW_ACCOUNT, "AllianceRegistry", registry.apply_for_membership(papers))
    mine = "0x" + NEW_ACCOUNT.address.hex()
    shown = {one["applicant"]: one for one in meeting.get("/v1/applications")["items"]}
    assert (shown[mine]["status"], shown[mine]["hash"]) == ("applied", "0x" + papers.hex())
    assert {one["status"] for one in shown.values()} == {"applied", "admitted"}
    world.send(world.admitter, "AllianceRegistry", registry.reject(NEW_ACCOUNT.address, reason))
    shown = {one["applicant"]: one for one in meeting.get("/v1/applications?limit=500")["items"]}
    assert (shown[mine]["status"], shown[mine]["hash"]) == ("rejected", "0x" + reason.hex())
    page = meeting.get("/v1/applications?limit=1")
    assert len(meeting.get(f"/v1/applications?limit=500&cursor={page['next']}")["items"]) == len(shown) - 1


def test_station_shows_its_agreement_and_rating_when_both_changed(meeting: Meeting) -> None:
    world = meeting.world
    spec = StationSpec(
        station_type=StationType.USER_SIDE, region=320722, charge_power_w=400_000, discharge_power_w=500_000,
        capacity_wh=1_000_000, pcc_import_w=2_000_000, pcc_export_w=1_000_000,
    )  # fmt: skip
    agreement = sha256(b"agreement")
    change = registry.propose_station_change(StationId(1), spec, agreement)
    world.send(world.members[0], "AllianceRegistry", change)
    station = meeting.get("/v1/stations/1")
    assert (station["chargePowerW"], station["changeAsked"]) == (500_000, True)
    confirm = registry.confirm_station_change(StationId(1), spec, agreement)
    world.send(world.admitter, "AllianceRegistry", confirm)
    station = meeting.get("/v1/stations/1")
    assert (station["chargePowerW"], station["changeAsked"]) == (400_000, False)
    assert station["safetyAgreement"] == "0x" + agreement.hex()


def test_lease_shows_its_hours_its_amendment_and_its_price_when_it_ended(meeting: Meeting) -> None:
    world, first = meeting.world, day_at(meeting.world.now_s * 1_000).plus(1).first_slot  # both are on the roster
    terms = OfferTerms(
        station=StationId(1), power_w=100_000, energy_wh=200_000, first_slot=first, term_slots=960, eta_c_ppm=950_000,
        eta_d_ppm=940_000, rent_cents_per_kw_year=30_000, wear_price=0, handover_wh=0, handover_price=0, sla_bp=9_500,
        sla_factor_bp=20_000, price_version=1, weekday_mask=0x1F, day_first_slot=40, day_slots=16, end_notice_slots=10,
        end_fee_bp=5_000,
    )  # fmt: skip
    world.send(world.members[0], "AllianceRegistry", registry.sign_safety_agreement(StationId(1), sha256(b"safe")))
    world.send(world.members[0], "CapacityLease", leases.offer(terms))
    accept = leases.accept(1, power_w=50_000, energy_wh=50_000, first_slot=first, term_slots=960)
    world.send(world.members[1], "CapacityLease", accept)
    for key in (world.members[1], world.members[0]):
        change = leases.amend(1, power_w=60_000, energy_wh=50_000, first_slot=first + 96, term_slots=800)
        world.send(key, "CapacityLease", change)
    world.send(world.members[1], "CapacityLease", leases.end_alone(2, end_slot=first + 200))
    book = leases.CapacityLease(world.rpc, world.deployment["CapacityLease"].address)
    one, two = meeting.get("/v1/leases")["items"]
    assert (one["endSlot"], one["following"], one["endedBy"], one["endPriceCents"]) == (first + 96, 2, None, "0")
    assert (one["weekdayMask"], one["dayFirstSlot"], one["daySlots"]) == (0x1F, 40, 16)
    ended = book.end_of(2)
    assert (two["endSlot"], two["endedBy"], two["endPriceCents"]) == (first + 200, 2, str(ended.price_cents))
    assert ended.price_cents > 0
    with meeting.service.platform.database.reading() as connection:
        ends = early_ends(all_leases(connection))
    assert ends == {
        1: EarlyEnd(end_slot=first + 96),
        2: EarlyEnd(end_slot=first + 200, by=MemberId(2), price_cents=ended.price_cents),
    }
    assert (two["version"], two["following"]) == (2, None)
    offer = meeting.get("/v1/offers")["items"][0]
    assert (offer["endNoticeSlots"], offer["endFeeBp"]) == (10, 5_000)


def test_proposal_is_unknown_when_nobody_made_it(meeting: Meeting) -> None:
    assert meeting.get("/v1/proposals/7", status=404)["code"] == "proposal_unknown"
    assert meeting.get("/v1/proposals")["items"] == []


def test_wishes_of_both_parties_are_shown_until_the_other_agrees(meeting: Meeting) -> None:
    world, first = meeting.world, day_at(meeting.world.now_s * 1_000).plus(1).first_slot  # both are on the roster
    terms = OfferTerms(
        station=StationId(1), power_w=100_000, energy_wh=200_000, first_slot=first, term_slots=960, eta_c_ppm=950_000,
        eta_d_ppm=940_000, rent_cents_per_kw_year=30_000, wear_price=0, handover_wh=0, handover_price=0, sla_bp=9_500,
        sla_factor_bp=20_000, price_version=1,
    )  # fmt: skip
    world.send(world.members[0], "AllianceRegistry", registry.sign_safety_agreement(StationId(1), sha256(b"safe")))
    world.send(world.members[0], "CapacityLease", leases.offer(terms))
    accept = leases.accept(1, power_w=50_000, energy_wh=50_000, first_slot=first, term_slots=960)
    world.send(world.members[1], "CapacityLease", accept)
    wish = leases.amend(1, power_w=60_000, energy_wh=70_000, first_slot=first + 96, term_slots=800)
    world.send(world.members[1], "CapacityLease", wish)
    world.send(world.members[0], "CapacityLease", leases.end_early(1, end_slot=first + 192))
    (lease,) = meeting.get("/v1/leases")["items"]
    assert lease["asks"] == [
        {"member": 1, "fromSlot": first + 192, "powerW": None, "energyWh": None, "termSlots": None},
        {"member": 2, "fromSlot": first + 96, "powerW": 60_000, "energyWh": 70_000, "termSlots": 800},
    ]


def test_rulings_are_listed_with_their_days_when_members_decide_twice(meeting: Meeting) -> None:
    today = day_at(meeting.world.now_s * 1000)
    meeting.decide("Charter", charter.set_value(charter.FEE_BP, from_day=today.plus(20), value=300))
    meeting.decide("Charter", charter.set_pack(charter.TARIFF_PACK, from_day=today.plus(30), pack_hash=sha256(b"pack")))
    told = [(one["kind"], one["name"], one["fromDay"], one["value"]) for one in meeting.get("/v1/charter")["rulings"]]
    assert told == [
        ("value", "fee_bp", str(today.plus(20)), "300"),
        ("pack", "tariff", str(today.plus(30)), "0x" + sha256(b"pack").hex()),
    ]


def test_text_is_given_by_its_hash_when_a_wallet_filed_it(meeting: Meeting) -> None:
    service, text = meeting.service, "营业执照与摘要不符。"
    path = "/v1/texts/0x" + sha256(text.encode()).hex()
    assert meeting.get(path)["text"] is None
    headers = {"Authorization": f"Bearer {service.sign_in(NEW_ACCOUNT)}", "Idempotency-Key": "text"}
    assert service.client.post("/v1/texts", json={"text": text}, headers=headers).status_code == 201
    assert meeting.get(path)["text"] == text
