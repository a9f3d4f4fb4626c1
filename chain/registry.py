"""`AllianceRegistry` (protocol 7): call data for members, stations, roles and contracts, and what its views say."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from alliance.calendar import Day
from alliance.fleet import Station, StationType
from alliance.identity import ZERO_ADDRESS, ZERO_DIGEST, Address, Digest, MemberId, StationId
from chain import abi
from chain.abi import Function
from chain.contract import DeployedContract
from chain.rpc import BlockTag
from oracle.hashing import keccak256

ADMIN = ZERO_DIGEST
"""Administrator of every role: the charter."""
SETTLER = keccak256(b"SETTLER")
ATTESTOR = keccak256(b"ATTESTOR")
ADMITTER = keccak256(b"ADMITTER")
GUARDIAN = keccak256(b"GUARDIAN")
ROLES = {"ADMIN": ADMIN, "SETTLER": SETTLER, "ATTESTOR": ATTESTOR, "ADMITTER": ADMITTER, "GUARDIAN": GUARDIAN}

STATION_SPEC = "(uint8,uint32,uint64,uint64,uint64,uint64,uint64)"

_APPLY = Function("applyForMembership", "(bytes32)")
_WITHDRAW = Function("withdrawApplication")
_ADMIT = Function("admit", "(address)")
_REJECT = Function("reject", "(address,bytes32)")
_SUSPEND = Function("suspend", "(address)")
_REINSTATE = Function("reinstate", "(address)")
_ANNOUNCE_LEAVING = Function("announceLeaving")
_CLEAR_DAYS = Function("clearDays", "(uint32,bytes32[])", "(uint32)")
_COMPLETE_LEAVING = Function("completeLeaving")
_MOVE_MEMBER = Function("moveMember", "(uint32,address)")
_REGISTER_STATION = Function("registerStation", f"({STATION_SPEC})")
_SIGN_SAFETY = Function("signSafetyAgreement", "(uint32,bytes32)")
_PROPOSE_CHANGE = Function("proposeStationChange", f"(uint32,{STATION_SPEC},bytes32)")
_CONFIRM_CHANGE = Function("confirmStationChange", f"(uint32,{STATION_SPEC},bytes32)")
_ADD_CONTRACT = Function("addContract", "(bytes32,address)")
_GRANT_ROLE = Function("grantRole", "(bytes32,address)")
_REVOKE_ROLE = Function("revokeRole", "(bytes32,address)")
_PAUSE = Function("pause")
_UNPAUSE = Function("unpause")
_MEMBER_NUMBER = Function("memberNumber", "(address)", "(uint32)")
_MEMBER_ADDRESS = Function("memberAddress", "(uint32)", "(address)")
_MEMBER_STATUS = Function("memberStatus", "(address)", "(uint8)")
_MEMBER_COUNT = Function("memberCount", "()", "(uint32)")
_COMMITMENT_OF = Function("commitmentOf", "(address)", "(bytes32)")
_FORMER_MEMBER = Function("formerMember", "(address)", "(uint32)")
_MOVED_TO = Function("movedTo", "(address)", "(address)")
_CLEARED_TO = Function("clearedTo", "(uint32)", "(uint32)")
_ROSTER_SIZE = Function("rosterSize", "()", "(uint32)")
_ROSTER_VERSION = Function("rosterVersion", "()", "(uint32)")
_ON_ROSTER_SINCE = Function("onRosterSince", "(uint32)", "(uint32)")
_ROSTER = Function("roster", "()", "(uint32[])")
_ROSTER_HASH_AT = Function("rosterHashAt", "(uint32)", "(bytes32)")
_STATION = Function("station", "(uint32)", f"({STATION_SPEC},address)")
_SAFETY_AGREEMENT = Function("safetyAgreement", "(uint32)", "(bytes32)")
_STATION_COUNT = Function("stationCount", "()", "(uint32)")
_CONTRACT_AT = Function("contractAt", "(bytes32,uint16)", "(address,uint64)")
_NEWEST_CONTRACT = Function("newestContract", "(bytes32)", "(address)")
_CONTRACT_VERSION = Function("contractVersion", "(bytes32)", "(uint16)")
_ALLIANCE_ID = Function("allianceId", "()", "(bytes32)")
_DOMAIN_SEPARATOR = Function("domainSeparator", "()", "(bytes32)")
_PAUSED_UNTIL = Function("pausedUntil", "()", "(uint48)")
_HAS_ROLE = Function("hasRole", "(bytes32,address)", "(bool)")


class MemberStatus(IntEnum):
    """Where a member stands."""

    NONE = 0
    APPLIED = 1
    ADMITTED = 2
    SUSPENDED = 3
    LEFT = 4
    LEAVING = 5
    """Off the roster; obligations of its days remain."""
    MOVED = 6
    """An account that its member left for another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationSpec:
    """A station as its owner registers it; all powers are magnitudes, watts, and energies Wh."""

    station_type: StationType
    region: int
    """GB/T 2260 code of the county or district."""
    charge_power_w: int
    discharge_power_w: int
    capacity_wh: int
    pcc_import_w: int
    pcc_export_w: int

    @property
    def words(self) -> tuple[int, ...]:
        """The fields in the order of the contract's struct."""
        return (
            int(self.station_type), self.region, self.charge_power_w, self.discharge_power_w, self.capacity_wh,
            self.pcc_import_w, self.pcc_export_w,
        )  # fmt: skip

    def station(self, number: StationId, owner: MemberId) -> Station:
        """The station that this registers, under its number and its owner's."""
        return Station(
            number=number, owner=owner, station_type=self.station_type, region=self.region,
            charge_power_w=self.charge_power_w, discharge_power_w=self.discharge_power_w,
            capacity_wh=self.capacity_wh, pcc_import_w=self.pcc_import_w, pcc_export_w=self.pcc_export_w,
        )  # fmt: skip


def station_spec(words: Sequence[Any]) -> StationSpec:
    """The contract's struct as a value. Raises ValueError for a station type that this version does not know."""
    kind, region, charge, discharge, capacity, pcc_import, pcc_export = words
    return StationSpec(
        station_type=StationType(kind), region=region, charge_power_w=charge, discharge_power_w=discharge,
        capacity_wh=capacity, pcc_import_w=pcc_import, pcc_export_w=pcc_export,
    )  # fmt: skip


def roster_hash(members: Sequence[MemberId]) -> Digest:
    """keccak256(abi.encode(uint32[])), as the contract freezes a day's roster."""
    return keccak256(abi.encode("(uint32[])", (list(members),)))


def apply_for_membership(commitment: Digest) -> bytes:
    """Apply; `commitment` is the salted hash of papers that are kept off chain."""
    return _APPLY.encode(commitment)


def withdraw_application() -> bytes:
    """Take back one's application."""
    return _WITHDRAW.encode()


def admit(applicant: Address) -> bytes:
    """Admit an applicant (ADMITTER or charter)."""
    return _ADMIT.encode(applicant)


def reject(applicant: Address, reason: Digest) -> bytes:
    """Refuse an applicant (ADMITTER or charter); `reason` is the SHA-256 of the written reason."""
    return _REJECT.encode(applicant, reason)


def suspend(member: Address) -> bytes:
    """Suspend a member from the next local day (charter); not while it has a live lease."""
    return _SUSPEND.encode(member)


def reinstate(member: Address) -> bytes:
    """End a suspension from the next local day (charter)."""
    return _REINSTATE.encode(member)


def announce_leaving() -> bytes:
    """Leave the roster from the next local day; not while one has a live lease."""
    return _ANNOUNCE_LEAVING.encode()


def clear_days(member: MemberId, receipts: Sequence[Digest]) -> bytes:
    """Clear a member's next days in order: of each the hash of a recorded payment, or zero where none is needed."""
    return _CLEAR_DAYS.encode(member, list(receipts))


def complete_leaving() -> bytes:
    """Be out, once every day on the roster is cleared."""
    return _COMPLETE_LEAVING.encode()


def move_member(member: MemberId, account: Address) -> bytes:
    """Let a member go by another account (charter)."""
    return _MOVE_MEMBER.encode(member, account)


def register_station(spec: StationSpec) -> bytes:
    """Register a station of one's own."""
    return _REGISTER_STATION.encode(spec.words)


def sign_safety_agreement(station: StationId, agreement: Digest) -> bytes:
    """Sign the safety agreement of one's own station; `agreement` is the SHA-256 of its text."""
    return _SIGN_SAFETY.encode(station, agreement)


def propose_station_change(station: StationId, spec: StationSpec, agreement: Digest) -> bytes:
    """Ask for another rating of one's own station, under a new safety agreement."""
    return _PROPOSE_CHANGE.encode(station, spec.words, agreement)


def confirm_station_change(station: StationId, spec: StationSpec, agreement: Digest) -> bytes:
    """Confirm exactly what a station's owner asked for (ADMITTER, never the owner)."""
    return _CONFIRM_CHANGE.encode(station, spec.words, agreement)


def add_contract(role: Digest, deployed: Address) -> bytes:
    """List a contract under the next version of its role (charter)."""
    return _ADD_CONTRACT.encode(role, deployed)


def grant_role(role: Digest, account: Address) -> bytes:
    """Give an account a role (charter)."""
    return _GRANT_ROLE.encode(role, account)


def revoke_role(role: Digest, account: Address) -> bytes:
    """Take a role from an account (charter)."""
    return _REVOKE_ROLE.encode(role, account)


def pause() -> bytes:
    """Pause new offers, leases and statements (GUARDIAN)."""
    return _PAUSE.encode()


def unpause() -> bytes:
    """End a pause early (GUARDIAN or charter)."""
    return _UNPAUSE.encode()


class AllianceRegistry(DeployedContract):
    """The registry's views, each at a block; they raise as `DeployedContract.ask`."""

    def member_number(self, account: Address, *, tag: BlockTag = "latest") -> MemberId | None:
        """The account's number; None when it was never admitted."""
        return MemberId(self.ask(_MEMBER_NUMBER, account, tag=tag)[0]) or None

    def member_address(self, member: MemberId, *, tag: BlockTag = "latest") -> Address:
        """A member's account. Raises Reverted (MemberUnknown)."""
        return Address(self.ask(_MEMBER_ADDRESS, member, tag=tag)[0])

    def member_status(self, account: Address, *, tag: BlockTag = "latest") -> MemberStatus:
        """Where an account stands."""
        return MemberStatus(self.ask(_MEMBER_STATUS, account, tag=tag)[0])

    def member_count(self, *, tag: BlockTag = "latest") -> int:
        """How many members were ever admitted."""
        return int(self.ask(_MEMBER_COUNT, tag=tag)[0])

    def commitment_of(self, account: Address, *, tag: BlockTag = "latest") -> Digest:
        """What an account applied with, zero if it never did."""
        return Digest(self.ask(_COMMITMENT_OF, account, tag=tag)[0])

    def former_member(self, account: Address, *, tag: BlockTag = "latest") -> MemberId | None:
        """The member that went by this account before it was moved to another; None if none did."""
        return MemberId(self.ask(_FORMER_MEMBER, account, tag=tag)[0]) or None

    def moved_to(self, account: Address, *, tag: BlockTag = "latest") -> Address | None:
        """The account by which a member goes now that went by this one before; None if none did."""
        found = Address(self.ask(_MOVED_TO, account, tag=tag)[0])
        return None if found == ZERO_ADDRESS else found

    def cleared_to(self, member: MemberId, *, tag: BlockTag = "latest") -> Day | None:
        """First day on the roster that is not cleared yet; None if the member was never admitted."""
        number = int(self.ask(_CLEARED_TO, member, tag=tag)[0])
        return Day(number) if number else None

    def roster_size(self, *, tag: BlockTag = "latest") -> int:
        """How many members are admitted now."""
        return int(self.ask(_ROSTER_SIZE, tag=tag)[0])

    def roster_version(self, *, tag: BlockTag = "latest") -> int:
        """How often somebody was put on the roster."""
        return int(self.ask(_ROSTER_VERSION, tag=tag)[0])

    def on_roster_since(self, member: MemberId, *, tag: BlockTag = "latest") -> int:
        """The roster's version with which a member last came on it."""
        return int(self.ask(_ON_ROSTER_SINCE, member, tag=tag)[0])

    def roster(self, *, tag: BlockTag = "latest") -> tuple[MemberId, ...]:
        """Numbers of the members admitted now, ascending."""
        return tuple(map(MemberId, self.ask(_ROSTER, tag=tag)[0]))

    def roster_hash_at(self, day: Day, *, tag: BlockTag = "latest") -> Digest:
        """Hash of the roster as it stood when a day began. Raises Reverted (RosterNotYetKnown)."""
        return Digest(self.ask(_ROSTER_HASH_AT, day.number, tag=tag)[0])

    def station(self, station: StationId, *, tag: BlockTag = "latest") -> tuple[StationSpec, Address]:
        """A station's rating and its owner's account. Raises Reverted (StationUnknown)."""
        words, owner = self.ask(_STATION, station, tag=tag)
        return station_spec(words), Address(owner)

    def safety_agreement(self, station: StationId, *, tag: BlockTag = "latest") -> Digest | None:
        """SHA-256 of the safety agreement that a station's owner signed; None if none."""
        found = Digest(self.ask(_SAFETY_AGREEMENT, station, tag=tag)[0])
        return None if found == ZERO_DIGEST else found

    def station_count(self, *, tag: BlockTag = "latest") -> int:
        """How many stations were registered."""
        return int(self.ask(_STATION_COUNT, tag=tag)[0])

    def contract_at(self, role: Digest, version: int, *, tag: BlockTag = "latest") -> tuple[Address, int]:
        """The contract listed under a role's version, and the block that listed it."""
        deployed, block = self.ask(_CONTRACT_AT, role, version, tag=tag)
        return Address(deployed), int(block)

    def newest_contract(self, role: Digest, *, tag: BlockTag = "latest") -> Address:
        """The newest contract of a role. Raises Reverted (ContractVersionUnknown)."""
        return Address(self.ask(_NEWEST_CONTRACT, role, tag=tag)[0])

    def contract_version(self, role: Digest, *, tag: BlockTag = "latest") -> int:
        """A role's latest version, 0 if it has none."""
        return int(self.ask(_CONTRACT_VERSION, role, tag=tag)[0])

    def alliance_id(self, *, tag: BlockTag = "latest") -> Digest:
        """Identity of the alliance as the contract computes it."""
        return Digest(self.ask(_ALLIANCE_ID, tag=tag)[0])

    def domain_separator(self, *, tag: BlockTag = "latest") -> Digest:
        """EIP-712 domain separator as the contract computes it."""
        return Digest(self.ask(_DOMAIN_SEPARATOR, tag=tag)[0])

    def paused_until_s(self, *, tag: BlockTag = "latest") -> int:
        """Unix seconds until which new offers, leases and statements are paused; past when they are not."""
        return int(self.ask(_PAUSED_UNTIL, tag=tag)[0])

    def has_role(self, role: Digest, account: Address, *, tag: BlockTag = "latest") -> bool:
        """Whether an account holds a role."""
        return bool(self.ask(_HAS_ROLE, role, account, tag=tag)[0])
