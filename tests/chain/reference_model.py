"""Protocol 7.1, 7.2 and 7.5 once more, by definition and without any contract: what members may do, and why they may not.

Rules that `alliance/` holds are asked there (votes, held slots, rent); sums of capacity are taken slot by slot.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from alliance.calendar import SLOTS_A_DAY, Day, day_at
from alliance.capacity import rent_accrued, term_rent_cents
from alliance.identity import Address, LeaseId, MemberId
from alliance.lease import Lease
from alliance.money import mul_div
from alliance.voting import Ballot, Poll, ProposalState, VotingRules, executable_from_s, objected, state_at, voted
from chain.leases import OfferTerms
from chain.registry import MemberStatus, StationSpec

SILENCE_S = 90 * 86_400
OFFERS_LIMIT = 16
LEASES_LIMIT = 64


class Refusal(Exception):
    """The name of the contract's error, and what it says where that is compared too."""

    def __init__(self, name: str, *values: int) -> None:
        super().__init__(name, *values)
        self.name, self.values = name, values


def refuse(when: bool, name: str, *values: int) -> None:
    if when:
        raise Refusal(name, *values)


@dataclass
class Motion:
    """A proposal: its poll, and what executing it does."""

    proposer: int
    roster_version: int
    poll: Poll
    act: Callable[[], None]
    ballots: dict[int, Ballot] = field(default_factory=dict)


@dataclass
class OnOffer:
    """An offer and its leases, in order of acceptance."""

    terms: OfferTerms
    withdrawn: bool = False
    leases: list[int] = field(default_factory=list)


@dataclass
class Book:
    """A station: who owns it, what it is rated, what its owner keeps."""

    owner: int
    spec: StationSpec
    need_w: int = 0
    need_wh: int = 0

    @property
    def leasable(self) -> tuple[int, int]:
        spec = self.spec
        power = min(spec.charge_power_w, spec.discharge_power_w, spec.pcc_import_w, spec.pcc_export_w)
        return power - self.need_w, spec.capacity_wh - self.need_wh


class Model:
    """The alliance's state; a method is a call, `now_s` the time of its block."""

    def __init__(self, rules: VotingRules, *, first_day: Day) -> None:
        self.rules, self.first_day, self.now_s = rules, first_day, 0
        self.status: dict[Address, MemberStatus] = {}
        self.number: dict[Address, int] = {}
        self.account: dict[int, Address] = {}
        self.since: dict[int, int] = {}
        self.roster_from: dict[int, int] = {}
        self.roster: set[int] = set()
        self.version = 0
        self.cleared_to: dict[int, int] = {}
        self.last_day: dict[int, int] = {}
        self.motions: list[Motion] = []
        self.fees: list[tuple[int, int]] = []
        self.stations: dict[int, Book] = {}
        self.offers: list[OnOffer] = []
        self.leases: list[Lease] = []
        self.ends: list[int] = []
        self.prices: dict[int, tuple[int, int]] = {}
        self.asked: dict[tuple[int, int], object] = {}

    # ---- time ----

    @property
    def slot(self) -> int:
        return self.now_s // 900

    @property
    def today(self) -> int:
        return day_at(self.now_s * 1000).number

    # ---- members ----

    def status_of(self, account: Address) -> MemberStatus:
        return self.status.get(account, MemberStatus.NONE)

    def apply(self, who: Address) -> None:
        refuse(self.status_of(who) not in (MemberStatus.NONE, MemberStatus.LEFT), "MemberInWrongStatus")
        self.status[who] = MemberStatus.APPLIED

    def withdraw_application(self, who: Address) -> None:
        self._require_status(who, MemberStatus.APPLIED)
        self.status[who] = MemberStatus.LEFT if who in self.number else MemberStatus.NONE

    def admit(self, who: Address) -> None:
        self._require_status(who, MemberStatus.APPLIED)
        if who not in self.number:
            self.number[who] = len(self.account) + 1
            self.account[self.number[who]] = who
        self.status[who] = MemberStatus.ADMITTED
        self.cleared_to[self.number[who]] = self.today + 1
        self._enter(self.number[who])

    def suspend(self, who: Address) -> None:
        self._require_status(who, MemberStatus.ADMITTED)
        self._require_no_lease(self.number[who])
        self.status[who] = MemberStatus.SUSPENDED
        self.roster.discard(self.number[who])

    def reinstate(self, who: Address) -> None:
        self._require_status(who, MemberStatus.SUSPENDED)
        self.status[who] = MemberStatus.ADMITTED
        self._enter(self.number[who])

    def announce_leaving(self, who: Address) -> None:
        refuse(self.status_of(who) not in (MemberStatus.ADMITTED, MemberStatus.SUSPENDED), "MemberInWrongStatus")
        number = self.number[who]
        self._require_no_lease(number)
        self.status[who], self.last_day[number] = MemberStatus.LEAVING, self.today
        self.roster.discard(number)

    def clear_days(self, number: int, count: int) -> None:
        refuse(number not in self.account, "MemberUnknown")
        for day in range(self.cleared_to[number], self.cleared_to[number] + count):
            silent_until_s = Day(day).plus(1).start_ms // 1000 + SILENCE_S
            refuse(day >= self.first_day.number and self.now_s < silent_until_s, "MemberDayNotFinal")
        self.cleared_to[number] += count

    def complete_leaving(self, who: Address) -> None:
        self._require_status(who, MemberStatus.LEAVING)
        number = self.number[who]
        refuse(self.cleared_to[number] <= self.last_day[number], "MemberDaysNotCleared")
        self.status[who] = MemberStatus.LEFT

    def move_member(self, number: int, account: Address) -> None:
        refuse(number not in self.account, "MemberUnknown")
        refuse(self.status_of(account) is not MemberStatus.NONE, "AccountTaken")
        before = self.account[number]
        self.status[account], self.status[before] = self.status[before], MemberStatus.MOVED
        del self.number[before]
        self.number[account], self.account[number] = number, account

    def _enter(self, number: int) -> None:
        self.version += 1
        self.since[number], self.roster_from[number] = self.version, self.today + 1
        self.roster.add(number)

    def _require_status(self, who: Address, want: MemberStatus) -> None:
        refuse(self.status_of(who) is not want, "MemberInWrongStatus")

    def _require_admitted(self, who: Address, name: str) -> int:
        refuse(self.status_of(who) is not MemberStatus.ADMITTED, name)
        return self.number[who]

    # ---- charter ----

    def propose(self, who: Address, act: Callable[[], None]) -> None:
        number = self._require_admitted(who, "CharterNotAdmitted")
        poll = Poll(electorate=len(self.roster), voting_ends_s=self.now_s + self.rules.voting_seconds)
        self.motions.append(Motion(number, self.version, poll, act))

    def state(self, motion: int) -> ProposalState:
        if not 0 < motion <= len(self.motions):
            return ProposalState.NONE
        return state_at(self.motions[motion - 1].poll, self.rules, self.now_s)

    def vote(self, who: Address, motion: int, in_favour: bool) -> None:
        refuse(self.state(motion) is not ProposalState.VOTING, "CharterWrongState")
        number, made = self._require_elector(who, motion)
        refuse(number in made.ballots, "CharterAlreadyVoted")
        made.ballots[number] = Ballot.FOR if in_favour else Ballot.AGAINST
        made.poll = voted(made.poll, self.rules, in_favour=in_favour, now_s=self.now_s)

    def object_to(self, who: Address, motion: int) -> None:
        refuse(self.state(motion) not in (ProposalState.WAITING, ProposalState.EXECUTABLE), "CharterWrongState")
        number, made = self._require_elector(who, motion)
        before = made.ballots.get(number, Ballot.NONE)
        refuse(before is Ballot.OBJECTED, "CharterAlreadyVoted")
        made.ballots[number] = Ballot.OBJECTED
        made.poll = objected(made.poll, self.rules, before=before)

    def cancel(self, who: Address, motion: int) -> None:
        refuse(self.state(motion) is not ProposalState.VOTING, "CharterWrongState")
        made = self.motions[motion - 1]
        refuse(self.number.get(who) != made.proposer, "CharterNotProposer")
        made.poll = replace(made.poll, cancelled=True)

    def execute(self, motion: int) -> None:
        refuse(self.state(motion) is ProposalState.WAITING, "CharterTooEarly")
        refuse(self.state(motion) is not ProposalState.EXECUTABLE, "CharterWrongState")
        made = self.motions[motion - 1]
        try:
            made.act()
        except Refusal as inner:
            raise Refusal("CharterCallFailed/" + inner.name, *inner.values) from inner
        made.poll = replace(made.poll, executed=True)

    def executable_from_s(self, motion: int) -> int:
        return executable_from_s(self.motions[motion - 1].poll, self.rules, self.now_s) or 0

    def set_fee(self, from_day: int, fee_bp: int) -> None:
        refuse(fee_bp > 10_000, "RuleTooLarge")
        refuse(from_day <= self.today, "RuleNotInFuture")
        self.fees.append((from_day, fee_bp))

    def fee_bp_at(self, day: int) -> int | None:
        return next((fee for from_day, fee in reversed(self.fees) if from_day <= day), None)

    def _require_elector(self, who: Address, motion: int) -> tuple[int, Motion]:
        number = self._require_admitted(who, "CharterNotAdmitted")
        made = self.motions[motion - 1]
        refuse(self.since[number] > made.roster_version, "CharterNotElector")
        return number, made

    # ---- offers ----

    def set_own_need(self, who: Address, station: int, power_w: int, energy_wh: int) -> None:
        book = self._require_owner(who, station)
        most_w, most_wh = replace_need(book, 0, 0).leasable
        refuse(power_w > most_w or energy_wh > most_wh, "OwnNeedTooLarge")
        raised = power_w > book.need_w or energy_wh > book.need_wh
        refuse(raised and bool(self.live_offers(station)), "OwnNeedTooLate")
        book.need_w, book.need_wh = power_w, energy_wh

    def offer(self, who: Address, terms: OfferTerms) -> None:
        number = self._require_admitted(who, "LeaseNotAdmitted")
        for lease in self.live_leases_of(number):
            sublet = self.leases[lease - 1].station == terms.station and self.leases[lease - 1].lessee == number
            refuse(sublet, "LeaseSublet", lease, number)
        book = self._require_owner(who, terms.station)
        refuse(terms.power_w == 0 or terms.energy_wh == 0, "OfferEmpty")
        refuse(terms.first_slot < self.slot, "OfferInPast")
        refuse(terms.term_slots == 0, "OfferTermEmpty")
        refuse(terms.handover_wh > terms.energy_wh, "OfferHandoverTooLarge")
        held = [slot for slot in range(terms.first_slot, terms.first_slot + terms.term_slots) if on_time(terms, slot)]
        refuse(not held, "OfferTermEmpty")
        live = self.live_offers(terms.station)
        refuse(len(live) == OFFERS_LIMIT, "StationOffersFull")
        parts = [(self.offers[n - 1].terms, self.offers[n - 1].terms) for n in live]
        taken = [(t.power_w, t.energy_wh, lambda s, t=t: holds(t, s)) for t, _ in parts]
        self._require_room("Station", held, taken, (terms.power_w, terms.energy_wh), book.leasable)
        self.offers.append(OnOffer(terms))

    def withdraw_offer(self, who: Address, offer: int) -> None:
        on_offer = self._offer(offer)
        self._require_owner(who, on_offer.terms.station)
        refuse(on_offer.withdrawn, "OfferAlreadyWithdrawn")
        on_offer.withdrawn = True

    def live_offers(self, station: int) -> list[int]:
        return [
            n
            for n, on_offer in enumerate(self.offers, start=1)
            if on_offer.terms.station == station
            and on_offer.terms.first_slot + on_offer.terms.term_slots > self.slot
            and (not on_offer.withdrawn or self._running(on_offer.leases))
        ]

    # ---- leases ----

    def accept(self, who: Address, offer: int, power_w: int, energy_wh: int, first: int, term: int) -> None:
        on_offer = self._offer(offer)
        refuse(on_offer.withdrawn, "OfferAlreadyWithdrawn")
        owner = self.stations[on_offer.terms.station].owner
        self._require_admitted(self.account[owner], "LeaseNotAdmitted")
        lessee = self._require_admitted(who, "LeaseNotAdmitted")
        refuse(owner == lessee, "LeaseToSelf")
        self._begin(offer, owner, lessee, power_w, energy_wh, first, term, version=1)

    def amend(self, who: Address, lease: int, power_w: int, energy_wh: int, first: int, term: int) -> None:
        self._require_end(lease, first)
        if not self._agreed(who, lease, ("amend", power_w, energy_wh, first, term)):
            return
        old = self.leases[lease - 1]
        for party in (old.owner, old.lessee):
            self._require_admitted(self.account[party], "LeaseNotAdmitted")
        before = self.ends[lease - 1]
        self.ends[lease - 1] = first
        offer = next(n for n, one in enumerate(self.offers, start=1) if lease in one.leases)
        try:
            self._begin(offer, old.owner, old.lessee, power_w, energy_wh, first, term, version=old.version + 1)
        except Refusal:
            self.ends[lease - 1] = before
            del self.asked[lease, self.number[who]]
            raise
        self.prices[lease] = (0, 0)

    def end_early(self, who: Address | None, lease: int, slot: int) -> None:
        """`who` None is the charter."""
        self._require_end(lease, slot)
        if who is None or self._agreed(who, lease, ("end", slot)):
            self.ends[lease - 1], self.prices[lease] = slot, (0, 0)

    def end_alone(self, who: Address, lease: int, slot: int) -> None:
        self._require_end(lease, slot)
        party = self._require_party(who, lease)
        made = self.leases[lease - 1]
        terms = next(one for one in self.offers if lease in one.leases).terms
        refuse(terms.end_notice_slots == 0, "LeaseNotEndable")
        refuse(slot < self.slot + terms.end_notice_slots, "LeaseNoticeTooShort")
        left = made.rent_cents - rent_accrued(made, made.slots_passed(slot))
        self.ends[lease - 1] = slot
        self.prices[lease] = (party, mul_div(left, terms.end_fee_bp, 10_000))

    def live_leases_of(self, number: int) -> list[int]:
        return [
            n for n in self._running(range(1, len(self.leases) + 1))
            if number in (self.leases[n - 1].owner, self.leases[n - 1].lessee)
        ]  # fmt: skip

    def _begin(
        self, offer: int, owner: int, lessee: int, power_w: int, energy_wh: int, first: int, term: int, *, version: int
    ) -> None:
        on_offer = self.offers[offer - 1]
        terms = on_offer.terms
        refuse(power_w == 0 or energy_wh == 0, "LeaseNothing")
        earliest = max(terms.first_slot, self.slot + 1)
        outside = first < earliest or first + term > terms.first_slot + terms.term_slots
        refuse(outside, "LeaseOutsideOffer")
        held = [slot for slot in range(first, first + term) if on_time(terms, slot)]
        refuse(not held, "LeaseWindowEmpty")
        for party in (owner, lessee):
            refuse(first < Day(self.roster_from[party]).first_slot, "LeaseBeforeRoster")
        live = self._running(on_offer.leases)
        refuse(len(live) == LEASES_LIMIT, "OfferFull")
        taken = [
            (self.leases[n - 1].power_w, self.leases[n - 1].energy_wh,
             lambda s, n=n: self.leases[n - 1].holds(s) and s < self.ends[n - 1])
            for n in live
        ]  # fmt: skip
        self._require_room("Lease", held, taken, (power_w, energy_wh), (terms.power_w, terms.energy_wh))
        rent = term_rent_cents(
            power_w=power_w, rent_cents_per_kw_year=terms.rent_cents_per_kw_year, held_slots=len(held)
        )
        self.leases.append(
            Lease(
                number=LeaseId(len(self.leases) + 1), version=version, owner=MemberId(owner), lessee=MemberId(lessee),
                station=terms.station, power_w=power_w, energy_wh=energy_wh, eta_c_ppm=terms.eta_c_ppm,
                eta_d_ppm=terms.eta_d_ppm, rent_cents=rent, first_slot=first, term_slots=term,
                wear_price=terms.wear_price, handover_wh=mul_div(terms.handover_wh, energy_wh, terms.energy_wh),
                handover_price=terms.handover_price, sla_bp=terms.sla_bp, sla_factor_bp=terms.sla_factor_bp,
                weekday_mask=terms.weekday_mask, day_first_slot=terms.day_first_slot, day_slots=terms.day_slots,
            )
        )  # fmt: skip
        self.ends.append(first + term)
        on_offer.leases.append(len(self.leases))

    def _require_room(
        self,
        what: str,
        held: Iterable[int],
        taken: list[tuple[int, int, Callable[[int], bool]]],
        asked: tuple[int, int],
        room: tuple[int, int],
    ) -> None:
        """Slot by slot, as the words of the protocol say it."""
        for slot in held:
            power = sum(w for w, _, on in taken if on(slot))
            energy = sum(wh for _, wh, on in taken if on(slot))
            refuse(power + asked[0] > room[0], f"{what}PowerOversold", slot)
            refuse(energy + asked[1] > room[1], f"{what}EnergyOversold", slot)

    def _running(self, leases: Iterable[int]) -> list[int]:
        return [n for n in leases if self.ends[n - 1] > self.slot]

    def _agreed(self, who: Address, lease: int, asked: object) -> bool:
        party = self._require_party(who, lease)
        made = self.leases[lease - 1]
        other = made.lessee if party == made.owner else made.owner
        self.asked[lease, party] = asked
        return self.asked.get((lease, other)) == asked

    def _require_party(self, who: Address, lease: int) -> int:
        made, number = self.leases[lease - 1], self.number.get(who, 0)
        refuse(number not in (made.owner, made.lessee), "LeaseNotParty")
        return number

    def _require_end(self, lease: int, slot: int) -> None:
        refuse(not 0 < lease <= len(self.leases), "LeaseUnknown")
        made, end = self.leases[lease - 1], self.ends[lease - 1]
        refuse(end <= self.slot, "LeaseAlreadyEnded")
        refuse(not max(made.first_slot, self.slot + 1) <= slot < end, "LeaseEndOutside")

    def _require_no_lease(self, number: int) -> None:
        live = self.live_leases_of(number)
        refuse(bool(live), "MemberHasLease", number, *live[:1])

    def _require_owner(self, who: Address, station: int) -> Book:
        book = self.stations[station]
        refuse(self.account[book.owner] != who, "LeaseNotOwner")
        return book

    def _offer(self, offer: int) -> OnOffer:
        refuse(not 0 < offer <= len(self.offers), "OfferUnknown")
        return self.offers[offer - 1]


def on_time(terms: OfferTerms, slot: int) -> bool:
    """Whether an offer's weekdays and hours hold in an absolute slot, by the calendar."""
    day = day_at(slot * 900_000)
    at = slot - day.first_slot
    weekday = bool(terms.weekday_mask >> day.date.weekday() & 1)
    return 0 <= at < SLOTS_A_DAY and weekday and terms.day_first_slot <= at < terms.day_first_slot + terms.day_slots


def holds(terms: OfferTerms, slot: int) -> bool:
    return terms.first_slot <= slot < terms.first_slot + terms.term_slots and on_time(terms, slot)


def replace_need(book: Book, need_w: int, need_wh: int) -> Book:
    return replace(book, need_w=need_w, need_wh=need_wh)
