"""Protocol 7: the contracts do what the rules say, over random stories of members: the same outcome, the same refusal."""

import random
from collections import Counter
from collections.abc import Callable

import pytest

from alliance.calendar import Day, day_at
from alliance.fleet import StationType
from alliance.identity import ZERO_DIGEST, Address, Digest, LeaseId, MemberId, StationId
from alliance.voting import ProposalState
from chain import charter, leases, registry, reverts, transaction
from chain.charter import Charter
from chain.leases import CapacityLease, OfferTerms
from chain.registry import AllianceRegistry, MemberStatus, StationSpec
from chain.rpc import RpcRefused
from chain.transaction import Transaction
from oracle.hashing import sha256
from oracle.signature import SecpSigner
from simulation.anvil import CHAIN_ID
from tests.chain.reference_model import Book, Model, Refusal

GAS = 12_000_000
SPEC = StationSpec(
    station_type=StationType.THIRD_PARTY, region=320_703, charge_power_w=1_000, discharge_power_w=1_200,
    capacity_wh=4_000, pcc_import_w=1_500, pcc_export_w=1_100,
)  # fmt: skip


class Story:
    """A chain and a model that live through the same calls."""

    def __init__(self, world, seed: int) -> None:
        self.world, self.random = world, random.Random(seed)
        self.rpc, at = world.chain.rpc, lambda name: world.deployment[name].address
        self.registry, self.charter = (
            AllianceRegistry(self.rpc, at("AllianceRegistry")),
            Charter(self.rpc, at("Charter")),
        )
        self.leases = CapacityLease(self.rpc, at("CapacityLease"))
        self.rules = self.charter.rules()
        first_day = day_at(world.chain.now_ms).plus(1)
        self.model = Model(self.rules, first_day=first_day)
        self.keys = [*world.members, *(SecpSigner(bytes([0x61 + n]) * 32) for n in range(4))]
        self.calls: dict[int, tuple[str, bytes]] = {}
        self.outcomes: Counter[str] = Counter()
        for key in (*self.keys, world.admitter):
            world.chain.anvil.set_balance(key.address, 10**21)
        self._found()

    def _found(self) -> None:
        """Four members, two with a station."""
        for key in self.keys[:4]:
            papers = registry.apply_for_membership(sha256(key.address))
            self.step(key, "AllianceRegistry", papers, lambda key=key: self.model.apply(key.address))
            admit = registry.admit(key.address)
            self.step(
                self.world.admitter, "AllianceRegistry", admit, lambda key=key: self.model.admit(key.address)
            )  # fmt: skip
        for number in (1, 2):
            key = self.keys[number - 1]
            self.step(key, "AllianceRegistry", registry.register_station(SPEC), lambda: None)
            safe = registry.sign_safety_agreement(StationId(number), sha256(b"safe"))
            self.step(key, "AllianceRegistry", safe, lambda: None)
            self.model.stations[number] = Book(number, SPEC)

    # ---- one call ----

    def step(self, key: SecpSigner, contract: str, data: bytes, act: Callable[[], None]) -> None:
        """Make a call on the chain, do the same in the model, and compare."""
        to = self.world.deployment[contract].address
        chain = self.world.chain
        chain.now_s += self.random.choice((1, 30, 60))
        signed = transaction.sign(
            Transaction(
                chain_id=CHAIN_ID, nonce=self.rpc.nonce(key.address), to=to, data=data, gas=GAS,
                max_fee_wei=3_000_000_000, tip_wei=1,
            ),
            key,
        )  # fmt: skip
        self.rpc.send_raw(signed.raw)
        chain.anvil.mine_at(chain.now_s)
        receipt = self.rpc.receipt(signed.hash)
        assert receipt is not None
        got = "done" if receipt.succeeded else self._why(key.address, to, data)
        self.model.now_s = chain.now_s
        want = self._predicted(act)
        assert got.startswith(want) if want != "done" else got == want, (contract, data.hex(), want, got)
        self.outcomes[want.partition("(")[0].partition("@")[0]] += 1

    def _predicted(self, act: Callable[[], None]) -> str:
        try:
            act()
        except Refusal as refusal:
            told = (
                "(" + ", ".join(map(str, refusal.values)) if refusal.values and "Oversold" not in refusal.name else ""
            )
            slot = f"@{refusal.values[0]}" if "Oversold" in refusal.name else ""
            return refusal.name + told + slot
        return "done"

    def _why(self, sender: Address, to: Address, data: bytes) -> str:
        """The refusal's name and arguments; of a refused sum its slot; of a failed proposal what failed inside it."""
        with pytest.raises(RpcRefused) as caught:
            self.rpc.eth_call(to, data, sender=sender)
        found = reverts.from_refusal(caught.value)
        assert found is not None
        if found.error == "CharterCallFailed" and isinstance(found.values[1], bytes):
            return f"CharterCallFailed/{self._named(reverts.decode(found.values[1]))}"
        return self._named(found)

    @staticmethod
    def _named(found: reverts.Reverted) -> str:
        return f"{found.error}@{found.values[1]}" if "Oversold" in found.error else reverts.described(found)

    # ---- what may happen ----

    def anything(self) -> None:
        one = self.random.choices(
            (
                self._apply, self._withdraw_application, self._admit, self._leave, self._clear, self._complete,
                self._propose, self._vote, self._object, self._cancel, self._execute, self._offer, self._accept,
                self._amend, self._end, self._end_alone, self._withdraw_offer, self._own_need, self._pass,
            ),
            (3, 1, 5, 1, 2, 2, 6, 16, 3, 1, 8, 8, 20, 10, 5, 4, 1, 2, 6),
        )[0]  # fmt: skip
        one()

    def _key(self) -> SecpSigner:
        return self.random.choice(self.keys)

    def _member_key(self) -> SecpSigner:
        """Mostly somebody admitted."""
        admitted = [k for k in self.keys if self.model.status_of(k.address) is MemberStatus.ADMITTED]
        return self.random.choice(admitted) if admitted and self.random.random() < 0.9 else self._key()

    def _apply(self) -> None:
        key = self._key()
        data = registry.apply_for_membership(sha256(key.address))
        self.step(key, "AllianceRegistry", data, lambda: self.model.apply(key.address))

    def _withdraw_application(self) -> None:
        key = self._key()
        data = registry.withdraw_application()
        self.step(key, "AllianceRegistry", data, lambda: self.model.withdraw_application(key.address))

    def _admit(self) -> None:
        applied = [k for k in self.keys if self.model.status_of(k.address) is MemberStatus.APPLIED]
        who = self.random.choice(applied or self.keys).address
        if self.random.random() < 0.1:
            self.step(self._key(), "AllianceRegistry", registry.admit(who), self._unauthorised)
        else:
            self.step(self.world.admitter, "AllianceRegistry", registry.admit(who), lambda: self.model.admit(who))

    @staticmethod
    def _unauthorised() -> None:
        raise Refusal("AccessControlUnauthorizedAccount")

    def _leave(self) -> None:
        key = self._key()
        if len(self.model.roster) < 5 and self.random.random() < 0.9:
            return
        self.step(
            key, "AllianceRegistry", registry.announce_leaving(), lambda: self.model.announce_leaving(key.address)
        )

    def _clear(self) -> None:
        number, count = self.random.randint(1, len(self.model.account) + 1), self.random.randint(0, 3)
        data = registry.clear_days(MemberId(number), [Digest(ZERO_DIGEST)] * count)
        self.step(self._key(), "AllianceRegistry", data, lambda: self.model.clear_days(number, count))

    def _complete(self) -> None:
        key = self._key()
        self.step(
            key, "AllianceRegistry", registry.complete_leaving(), lambda: self.model.complete_leaving(key.address)
        )

    def _propose(self) -> None:
        key = self._member_key()
        contract, data, act = self._motion()
        call = charter.propose(self.world.deployment[contract].address, data, description=sha256(b"why"))
        before = len(self.model.motions)
        self.step(key, "Charter", call, lambda: self.model.propose(key.address, act))
        if len(self.model.motions) > before:
            self.calls[len(self.model.motions)] = (contract, data)

    def _motion(self) -> tuple[str, bytes, Callable[[], None]]:
        model, who = self.model, self._key().address
        number, lease = self.random.randint(1, len(model.account)), self.random.randint(0, len(model.leases) + 1)
        day, fee = model.today + self.random.randint(-1, 40), self.random.randint(0, 10_050)
        slot = model.slot + self.random.randint(1, 800)
        return self.random.choice(
            (
                ("AllianceRegistry", registry.suspend(who), lambda: model.suspend(who)),
                ("AllianceRegistry", registry.reinstate(who), lambda: model.reinstate(who)),
                ("AllianceRegistry", registry.admit(who), lambda: model.admit(who)),
                (
                    "AllianceRegistry", registry.move_member(MemberId(number), who),
                    lambda: model.move_member(number, who),
                ),
                (
                    "CapacityLease", leases.end_early(LeaseId(lease), end_slot=slot),
                    lambda: model.end_early(None, lease, slot),
                ),
                (
                    "Charter", charter.set_value(charter.FEE_BP, from_day=Day(day), value=fee),
                    lambda: model.set_fee(day, fee),
                ),
            )
        )  # fmt: skip

    def _some_motion(self, *states: ProposalState) -> int:
        """Mostly one that stands so."""
        last = len(self.model.motions)
        open_ones = [n for n in range(1, last + 1) if self.model.state(n) in states]
        if open_ones and self.random.random() < 0.85:
            return self.random.choice(open_ones)
        return self.random.randint(max(0, last - 3), last + (self.random.random() < 0.05))

    def _vote(self) -> None:
        for _ in range(self.random.randint(1, 3)):
            in_favour = self.random.random() < 0.85
            key, motion = self._member_key(), self._some_motion(ProposalState.VOTING)
            self.step(
                key, "Charter", charter.vote(motion, in_favour=in_favour),
                lambda key=key, motion=motion, yes=in_favour: self.model.vote(key.address, motion, yes),
            )  # fmt: skip

    def _object(self) -> None:
        key = self._member_key()
        motion = self._some_motion(ProposalState.WAITING, ProposalState.EXECUTABLE)
        self.step(key, "Charter", charter.object_to(motion), lambda: self.model.object_to(key.address, motion))

    def _cancel(self) -> None:
        key, motion = self._member_key(), self._some_motion(ProposalState.VOTING)
        self.step(key, "Charter", charter.cancel(motion), lambda: self.model.cancel(key.address, motion))

    def _execute(self) -> None:
        if not self.calls:
            return
        ready = [n for n in self.calls if self.model.state(n) is ProposalState.EXECUTABLE]
        motion = self.random.choice(ready or list(self.calls)[-4:])
        data = charter.execute(motion, self.calls[motion][1])
        self.step(self._key(), "Charter", data, lambda: self.model.execute(motion))

    def _offer(self) -> None:
        model, station = self.model, self.random.choice((1, 1, 2))
        owner = model.account[model.stations[station].owner]
        key = next((k for k in self.keys if k.address == owner), self._key())
        key = key if self.random.random() < 0.85 else self._member_key()
        terms = self._terms(station)
        if not self._lives(owner) and self.random.random() < 0.8:
            return
        self.step(key, "CapacityLease", leases.offer(terms), lambda: model.offer(key.address, terms))

    def _lives(self, account: Address) -> bool:
        return self.model.status_of(account) is MemberStatus.ADMITTED

    def _terms(self, station: int) -> OfferTerms:
        pick = self.random
        energy, day_first = pick.randint(0 if pick.random() < 0.05 else 1, 2_500), pick.randint(0, 95)
        always = pick.random() < 0.5
        return OfferTerms(
            station=StationId(station), power_w=pick.randint(1, 700), energy_wh=energy,
            first_slot=self.model.slot + pick.randint(0 if pick.random() < 0.1 else 1, 60) - (pick.random() < 0.03) * 99,
            term_slots=pick.randint(0 if pick.random() < 0.1 else 1, 900), eta_c_ppm=950_000, eta_d_ppm=940_000,
            rent_cents_per_kw_year=pick.randint(0, 50_000_000), wear_price=pick.randint(-100, 100),
            handover_wh=pick.randint(0, max(0, energy + (pick.random() < 0.05) * 10)), handover_price=40_000, sla_bp=9_500,
            sla_factor_bp=20_000, price_version=pick.randint(0, 9), weekday_mask=127 if always else pick.randint(1, 127),
            day_first_slot=0 if always else day_first, day_slots=96 if always else pick.randint(1, 96 - day_first),
            end_notice_slots=pick.choice((0, 1, 20)), end_fee_bp=pick.randint(0, 10_000),
        )  # fmt: skip

    def _accept(self) -> None:
        model, pick = self.model, self.random
        offer = pick.randint(max(0, len(model.offers) - 6), len(model.offers) + (pick.random() < 0.05))
        known = model.offers[offer - 1].terms if 0 < offer <= len(model.offers) else self._terms(1)
        first = max(known.first_slot, model.slot + 1) + pick.randint(-1, 50)
        left = max(1, known.first_slot + known.term_slots - first)
        power, energy = pick.randint(0, known.power_w // 3 + 1), pick.randint(0, known.energy_wh // 3 + 1)
        term = pick.randint(0 if pick.random() < 0.1 else 1, left + (pick.random() < 0.05))
        key = self._member_key()
        data = leases.accept(offer, power_w=power, energy_wh=energy, first_slot=first, term_slots=term)
        self.step(
            key, "CapacityLease", data, lambda: model.accept(key.address, offer, power, energy, first, term)
        )  # fmt: skip

    def _some_lease(self) -> int:
        live = [n for n in range(1, len(self.model.leases) + 1) if self.model.ends[n - 1] > self.model.slot]
        return self.random.choice(live) if live and self.random.random() < 0.9 else len(self.model.leases) + 1

    def _parties(self, lease: int) -> list[SecpSigner]:
        """Both parties in any order, sometimes a stranger between."""
        if not 0 < lease <= len(self.model.leases):
            return [self._member_key()]
        made = self.model.leases[lease - 1]
        accounts = {self.model.account[made.owner], self.model.account[made.lessee]}
        found = [k for k in self.keys if k.address in accounts]
        self.random.shuffle(found)
        return [self._member_key(), *found] if self.random.random() < 0.15 else found[: self.random.randint(1, 2)]

    def _within(self, lease: int) -> int:
        if not 0 < lease <= len(self.model.leases):
            return self.model.slot + 5
        first = max(self.model.leases[lease - 1].first_slot, self.model.slot + 1)
        return self.random.randint(first - 1, max(first, self.model.ends[lease - 1]))

    def _amend(self) -> None:
        lease, pick = self._some_lease(), self.random
        first, power, energy, term = (
            self._within(lease),
            pick.randint(0, 500),
            pick.randint(1, 1_500),
            pick.randint(1, 300),
        )
        data = leases.amend(LeaseId(lease), power_w=power, energy_wh=energy, first_slot=first, term_slots=term)
        for key in self._parties(lease):
            self.step(
                key, "CapacityLease", data,
                lambda key=key: self.model.amend(key.address, lease, power, energy, first, term),
            )  # fmt: skip

    def _end(self) -> None:
        lease = self._some_lease()
        slot = self._within(lease)
        data = leases.end_early(LeaseId(lease), end_slot=slot)
        for key in self._parties(lease):
            self.step(key, "CapacityLease", data, lambda key=key: self.model.end_early(key.address, lease, slot))

    def _end_alone(self) -> None:
        lease = self._some_lease()
        slot, key = self._within(lease), self._parties(lease)[0]
        data = leases.end_alone(LeaseId(lease), end_slot=slot)
        self.step(key, "CapacityLease", data, lambda: self.model.end_alone(key.address, lease, slot))

    def _withdraw_offer(self) -> None:
        model = self.model
        offer = self.random.randint(max(0, len(model.offers) - 5), len(model.offers) + 1)
        owner = model.account[model.stations[1].owner]
        key = next((k for k in self.keys if k.address == owner), self._key())
        data = leases.withdraw_offer(offer)
        self.step(key, "CapacityLease", data, lambda: model.withdraw_offer(key.address, offer))

    def _own_need(self) -> None:
        model, station = self.model, self.random.choice((1, 2))
        owner = model.account[model.stations[station].owner]
        key = next((k for k in self.keys if k.address == owner), self._key())
        power, energy = self.random.randint(0, 300), self.random.randint(0, 1_000)
        if self.random.random() < 0.2:
            power = 5_000
        data = leases.set_own_need(StationId(station), power_w=power, energy_wh=energy)
        self.step(
            key, "CapacityLease", data, lambda: model.set_own_need(key.address, station, power, energy)
        )  # fmt: skip

    def _pass(self) -> None:
        days = 100 if self.random.random() < 0.01 else self.random.choice((0, 0, 0, 0, 0, 1, 3, 8))
        self.world.chain.now_s += days * 86_400 + self.random.randint(60, 7_200)
        self.model.now_s = self.world.chain.now_s

    # ---- and what stands afterwards ----

    def compare(self) -> None:
        """Every view of the contracts against the model."""
        model, chain = self.model, self.world.chain
        chain.now_s += 1
        chain.anvil.mine_at(chain.now_s)
        model.now_s = chain.now_s
        assert self.registry.roster() == tuple(sorted(model.roster))
        for key in self.keys:
            assert self.registry.member_status(key.address) is model.status_of(key.address)
            assert self.registry.member_number(key.address) == model.number.get(key.address)
        for number in range(1, len(model.motions) + 1):
            made, shown = model.motions[number - 1], self.charter.proposal(number)
            assert self.charter.state_of(number) is model.state(number)
            assert (shown.votes_for, shown.votes_against) == (made.poll.votes_for, made.poll.votes_against)
            assert self.charter.executable_from_s(number) == model.executable_from_s(number)
        for day in range(model.today - 2, model.today + 45, 3):
            assert self.charter.fee_bp_at(Day(day)) == model.fee_bp_at(day)
        self._compare_leases()

    def _compare_leases(self) -> None:
        model = self.model
        assert (self.leases.offer_count(), self.leases.lease_count()) == (len(model.offers), len(model.leases))
        for number, want in enumerate(model.leases, start=1):
            assert self.leases.lease(LeaseId(number)) == want
            end, (by, price) = self.leases.end_of(LeaseId(number)), model.prices.get(number, (0, 0))
            assert (end.end_slot, end.by or 0, end.price_cents) == (model.ends[number - 1], by, price)
            slot = self.random.randint(want.first_slot - 3, want.first_slot + want.term_slots + 3)
            held = want.holds(slot) and slot < model.ends[number - 1]
            assert self.leases.holds_in(LeaseId(number), slot) is held
            rent = want.rent_cents * want.slots_passed(slot) * 2 + want.held_slots
            assert self.leases.rent_until_cents(LeaseId(number), slot) == rent // (2 * want.held_slots)
        for station in model.stations:
            assert self.leases.live_offers(StationId(station)) == tuple(model.live_offers(station))
        for number in model.account:
            live = model.live_leases_of(number)
            assert self.leases.live_lease_of(MemberId(number)) == (live[0] if live else None)


def told(world, *, seed: int, calls: int) -> Counter[str]:
    story = Story(world, seed)
    while sum(story.outcomes.values()) < calls:
        story.anything()
        if sum(story.outcomes.values()) % 60 < 2:
            story.compare()
    story.compare()
    return story.outcomes


def test_contracts_do_what_the_rules_say_when_members_live_a_random_story(world) -> None:
    outcomes = told(world, seed=7, calls=600)
    refused = {name: n for name, n in outcomes.items() if name != "done"}
    assert outcomes["done"] > 100
    assert sum(refused.values()) > 50
    assert len(refused) > 15, refused


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(12))
def test_contracts_do_what_the_rules_say_over_a_long_story(world, seed: int) -> None:
    outcomes = told(world, seed=1_000 + seed, calls=2_500)
    assert outcomes["done"] > 300


def test_a_wrong_rule_is_noticed_when_the_model_is_bent(world, monkeypatch: pytest.MonkeyPatch) -> None:
    """The known-bad control: a model that takes no objection for a vote must soon differ from the contracts."""
    monkeypatch.setattr("tests.chain.reference_model.objected", lambda poll, rules, *, before: poll)
    with pytest.raises(AssertionError):
        told(world, seed=7, calls=400)
