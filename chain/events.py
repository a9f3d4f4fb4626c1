"""The contracts' events as values (protocol 5.4, 6.6, 7), decoded by hand from raw logs: one class an event, same name.

An event of another contract or of an unknown name is nothing; a known one with wrong bytes is an error.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from alliance.errors import Malformed
from alliance.fleet import StationType
from alliance.identity import Address, Digest, LeaseId, MemberId, StationId
from alliance.lease import Lease
from alliance.reading import ChannelKind
from alliance.voting import VotingRules, VotingRulesRefused
from chain import abi, charter, leases, registry
from chain.charter import Mechanism
from chain.leases import OfferTerms
from chain.registry import StationSpec
from chain.rpc import Log
from oracle.hashing import keccak256


@dataclass(kw_only=True, eq=False)
class EventMalformed(Malformed):
    """A log carries a known event's topic and not its fields."""

    event: str
    why: str
    block_number: int
    log_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where on the chain an event stands; (block_number, log_index) orders all events."""

    contract: Address
    block_number: int
    block_hash: Digest
    log_index: int
    tx_hash: Digest
    timestamp_s: int
    """Time of the block, unix seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipApplied:
    """Somebody applied; `commitment` is the salted hash of papers kept off chain."""

    at: Place
    applicant: Address
    commitment: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationWithdrawn:
    """An applicant took the application back."""

    at: Place
    applicant: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRejected:
    """An applicant was refused; `reason` is the hash of the written reason."""

    at: Place
    applicant: Address
    reason: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAdmitted:
    """A member was admitted, or admitted again, under its number."""

    at: Place
    account: Address
    member: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSuspended:
    """A member is suspended from the next local day."""

    at: Place
    account: Address
    member: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberReinstated:
    """A member's suspension ends with this local day."""

    at: Place
    account: Address
    member: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLeaving:
    """A member is off the roster after a local day; its obligations of that day and earlier ones remain."""

    at: Place
    account: Address
    member: MemberId
    last_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLeft:
    """A member that was leaving is out: every day that it was on the roster is cleared."""

    at: Place
    account: Address
    member: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberMoved:
    """A member goes by another account from now on; number, stations and balances stay."""

    at: Place
    member: MemberId
    before: Address
    after: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysCleared:
    """Every local day before one on which the member was on the roster is final, and paid or zero."""

    at: Place
    member: MemberId
    to_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterChanged:
    """The roster from a local day on; a later change with the same day replaces this one."""

    at: Place
    from_day: int
    members: tuple[MemberId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StationRegistered:
    """A station was registered by its owner."""

    at: Place
    station: StationId
    owner: Address
    spec: StationSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class StationChangeProposed:
    """A station's owner asks for another rating, under another safety agreement."""

    at: Place
    station: StationId
    spec: StationSpec
    agreement: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class StationChanged:
    """A station has another rating from a local day on."""

    at: Place
    station: StationId
    from_day: int
    spec: StationSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyAgreed:
    """A station's owner signed its safety agreement, by SHA-256 of the text."""

    at: Place
    station: StationId
    owner: Address
    agreement: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractAdded:
    """A contract was listed under a version of its role."""

    at: Place
    role: Digest
    version: int
    deployed: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """New offers, leases and statements are paused until a time, and may be again from a later one (unix seconds)."""

    at: Place
    by: Address
    until_s: int
    next_from_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaused:
    """A pause was ended early."""

    at: Place
    by: Address
    next_from_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGranted:
    """An account holds a role from now on."""

    at: Place
    role: Digest
    account: Address
    by: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRevoked:
    """An account lost a role."""

    at: Place
    role: Digest
    account: Address
    by: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class CharterFounded:
    """How the charter decides, for good."""

    at: Place
    rules: VotingRules


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalMade:
    """A member proposed that the charter make a call; those admitted now may vote until a time (unix seconds)."""

    at: Place
    proposal: int
    proposer: MemberId
    target: Address
    data: bytes
    description: Digest
    """SHA-256 of the text that members read."""
    electorate: int
    voting_ends_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteCast:
    """A member voted; the tally is that after its vote."""

    at: Place
    proposal: int
    member: MemberId
    in_favour: bool
    votes_for: int
    votes_against: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalAccepted:
    """The votes left cannot change the result; it may be executed from a time on (unix seconds)."""

    at: Place
    proposal: int
    executable_from_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalObjected:
    """A member objects to an accepted proposal: a vote against; the tally is that after it."""

    at: Place
    proposal: int
    member: MemberId
    votes_for: int
    votes_against: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalCancelled:
    """A proposal was ended."""

    at: Place
    proposal: int
    by: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalExecuted:
    """The charter made a proposal's call."""

    at: Place
    proposal: int
    result: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSet:
    """A value (`chain.charter.FEE_BP`, `LOSS_PPM`) holds from a local day on."""

    at: Place
    name: Digest
    from_day: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PackSet:
    """The rule pack of a kind from a local day on, by `chain.charter.rule_hash`; zero: none is agreed."""

    at: Place
    kind: Digest
    from_day: int
    pack_hash: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class SuccessorSet:
    """Who takes over from a contract of a role from a local day on; the zero address: nobody."""

    at: Place
    role: Digest
    from_day: int
    successor: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class MechanismSet:
    """What offers of a type of station must keep to from a local day on."""

    at: Place
    station_type: StationType
    from_day: int
    mechanism: Mechanism


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationAsked:
    """A guardian asks that an account lose a role; a member may agree until a time (unix seconds)."""

    at: Place
    role: Digest
    account: Address
    guardian: Address
    until_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokedByTwo:
    """A guardian and a member took a role from an account at once."""

    at: Place
    role: Digest
    account: Address
    guardian: Address
    member: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class DIDOwnerChanged:
    """ERC-1056: an identity's owner changed."""

    at: Place
    identity: Address
    owner: Address
    previous_change: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DIDDelegateChanged:
    """ERC-1056: a delegate holds until a time (unix seconds); one in the past means revoked."""

    at: Place
    identity: Address
    delegate_type: Digest
    delegate: Address
    valid_to_s: int
    previous_change: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DIDAttributeChanged:
    """ERC-1056: an attribute holds until a time (unix seconds); 0 means revoked."""

    at: Place
    identity: Address
    name: Digest
    value: bytes
    valid_to_s: int
    previous_change: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEnrolled:
    """A device joined its owner's station with its own consent."""

    at: Place
    device: Address
    owner: Address
    station: StationId
    previous_change: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAttested:
    """An attestor confirmed a device and its own key."""

    at: Place
    device: Address
    attestor: Address
    previous_change: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelBound:
    """A channel measures for a station from a time (inclusive) to another (exclusive, 0: open); unix seconds."""

    at: Place
    device: Address
    channel: int
    kind: ChannelKind
    station: StationId
    from_s: int
    to_s: int
    previous_change: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegateConfirmed:
    """A key may sign a device's segments until a time (unix seconds, exclusive)."""

    at: Place
    device: Address
    delegate: Address
    valid_to_s: int
    by: Address
    """The attestor, or the outgoing key that signed the rotation."""
    previous_change: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyConfirmed:
    """The public key of a confirmed key whose signatures do not tell who signed (protocol 3.6)."""

    at: Place
    device: Address
    signer: Address
    alg: int
    public_key: bytes
    valid_to_s: int
    by: Address
    previous_change: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Compromised:
    """A key was revoked; its readings are disputed from the start of an epoch."""

    at: Place
    device: Address
    signer: Address
    epoch: int
    by: Address
    previous_change: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnNeedSet:
    """A station's owner keeps a part of it out of reach of offers."""

    at: Place
    station: StationId
    power_w: int
    energy_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A part of a station is on offer."""

    at: Place
    offer: int
    station: StationId
    terms: OfferTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferWithdrawn:
    """An offer takes no more leases."""

    at: Place
    offer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """A lease was accepted."""

    at: Place
    number: LeaseId
    offer: int
    lease: Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseEndAsked:
    """A party asked that a lease end at a slot."""

    at: Place
    number: LeaseId
    member: MemberId
    end_slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseEnded:
    """A lease ends at the start of a slot, before its term does.

    `by`, if not 0, ended it alone and pays the other party `price_cents`.
    """

    at: Place
    number: LeaseId
    end_slot: int
    by: MemberId
    price_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendmentAsked:
    """A party asks for other quantities or another term of a lease from a slot on."""

    at: Place
    number: LeaseId
    member: MemberId
    power_w: int
    energy_wh: int
    first_slot: int
    term_slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseAmended:
    """A lease ended where the next one begins, at the same prices."""

    at: Place
    number: LeaseId
    following: LeaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The log grew by an epoch; `manifest` is the SHA-256 of the epoch's manifest block."""

    at: Place
    epoch: int
    size: int
    root: Digest
    manifest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochOverdue:
    """An epoch was not anchored in time."""

    at: Place
    epoch: int
    by: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestClaimed:
    """A member published a segment that the service did not acknowledge; `epoch` was the last one anchored."""

    at: Place
    segment: Digest
    by: Address
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerFrozen:
    """A key signed two conflicting segments; entries of the log from `size` on do not count any more."""

    at: Place
    device: Address
    signer: Address
    channel: int
    first: Digest
    second: Digest
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterRotated:
    """The log has another writer."""

    at: Place
    before: Address
    after: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class LogClosed:
    """The log is closed for good."""

    at: Place
    epoch: int
    size: int
    root: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPosted:
    """A day's statement was posted; balances in cents, members in order, then platform, grid, pool."""

    at: Place
    day: int
    version: int
    root: Digest
    leaf_count: int
    statement: Digest
    members: tuple[MemberId, ...]
    balances_cents: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceMoved:
    """The court found a line wrong: `account` received `cents` more from `counterparty`."""

    at: Place
    day: int
    account: int
    counterparty: int
    cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementVoided:
    """All statements of a day up to a version count nothing; the next one is whole."""

    at: Place
    day: int
    up_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalityMoved:
    """A day is final from an instant on, unix seconds."""

    at: Place
    day: int
    final_at_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeUpheld:
    """The court recomputed a leaf otherwise (protocol 8.9.4).

    Of a line `expected` and `got` are the cents that it amounts to in all, `moved_cents` their difference; of a
    quantity its Wh; of a slot total its imports, with its exports beside.
    """

    at: Place
    day: int
    version: int
    index: int
    kind: int
    expected: int
    got: int
    expected_exports: int
    got_exports: int
    moved_cents: int
    by: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementBroken:
    """Why a day's statements became void: fault 1 … 6 of protocol 8.9.5, at a leaf."""

    at: Place
    day: int
    version: int
    index: int
    fault: int
    by: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafDemanded:
    """A member wants to see a leaf; unless it is produced by an instant, unix seconds, the day is void."""

    at: Place
    day: int
    member: MemberId
    version: int
    index: int
    until_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafProduced:
    """A demanded leaf was shown: it stands in the transaction's call data."""

    at: Place
    day: int
    member: MemberId
    version: int
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsKept:
    """A document's rows are known on chain to stand in the log."""

    at: Place
    document: Digest
    root: Digest
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRecorded:
    """A bank's receipt for a member's balance was recorded by its hash."""

    at: Place
    day: int
    member: MemberId
    receipt: Digest
    by: Address


Event = (
    MembershipApplied | ApplicationWithdrawn | ApplicationRejected | MemberAdmitted | MemberSuspended
    | MemberReinstated | MemberLeaving | MemberLeft | MemberMoved | DaysCleared | RosterChanged | StationRegistered
    | StationChangeProposed | StationChanged | SafetyAgreed | ContractAdded | Paused | Unpaused | RoleGranted
    | RoleRevoked | CharterFounded | ProposalMade | VoteCast | ProposalAccepted | ProposalObjected | ProposalCancelled
    | ProposalExecuted | ValueSet | PackSet | SuccessorSet | MechanismSet | RevocationAsked | RevokedByTwo
    | DIDOwnerChanged | DIDDelegateChanged | DIDAttributeChanged | DeviceEnrolled | DeviceAttested | ChannelBound
    | DelegateConfirmed | KeyConfirmed | Compromised | OwnNeedSet | Offered | OfferWithdrawn | Leased
    | LeaseEndAsked | LeaseEnded | AmendmentAsked | LeaseAmended | Checkpoint | EpochOverdue | DigestClaimed
    | SignerFrozen | WriterRotated | LogClosed | StatementPosted | PaymentRecorded | BalanceMoved | StatementVoided
    | FinalityMoved | DisputeUpheld | StatementBroken | LeafDemanded | LeafProduced | RowsKept
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Spec:
    """How one event is read: types of all arguments in order, which are indexed, and how the values become fields."""

    make: type[Any]
    types: tuple[str, ...]
    indexed: tuple[bool, ...]
    adapt: Callable[[list[Any]], list[Any]]

    @property
    def signature(self) -> str:
        return f"{self.make.__name__}({','.join(self.types)})"

    def values(self, log: Log) -> list[Any]:
        """The arguments in order. Raises AbiMalformed or ValueError."""
        topics = iter(log.topics[1:])
        plain = iter(abi.decode(_tuple(self.types, self.indexed, wanted=False), log.data))
        if len(log.topics) - 1 != sum(self.indexed):
            raise ValueError(f"{len(log.topics)} topics")
        pairs = zip(self.types, self.indexed, strict=True)
        return [abi.decode(f"({kind})", next(topics))[0] if hot else next(plain) for kind, hot in pairs]


def signatures() -> dict[str, str]:
    """Names and signatures of all events that are decoded."""
    return {spec.make.__name__: spec.signature for spec in _SPECS.values()}


def decode(log: Log, *, timestamp_s: int) -> Event | None:
    """The event in a log, None when it is none of ours; `timestamp_s` is its block's time. Raises EventMalformed."""
    spec = _SPECS.get(log.topics[0]) if log.topics else None
    if spec is None:
        return None
    place = Place(
        contract=log.address, block_number=log.block_number, block_hash=log.block_hash, log_index=log.log_index,
        tx_hash=log.tx_hash, timestamp_s=timestamp_s,
    )  # fmt: skip
    try:
        values = spec.adapt(spec.values(log))
    except (abi.AbiMalformed, ValueError, VotingRulesRefused) as error:
        raise EventMalformed(
            event=spec.make.__name__, why=str(error), block_number=log.block_number, log_index=log.log_index
        ) from error
    names = [field.name for field in fields(spec.make)][1:]
    made: Event = spec.make(at=place, **dict(zip(names, values, strict=True)))
    return made


def _tuple(types: Sequence[str], indexed: Sequence[bool], *, wanted: bool) -> str:
    return "(" + ",".join(kind for kind, hot in zip(types, indexed, strict=True) if hot is wanted) + ")"


def _unchanged(values: list[Any]) -> list[Any]:
    return values


def _station_registered(values: list[Any]) -> list[Any]:
    return [*values[:2], registry.station_spec(values[2])]


def _station_change_proposed(values: list[Any]) -> list[Any]:
    return [values[0], registry.station_spec(values[1]), values[2]]


def _charter_founded(values: list[Any]) -> list[Any]:
    return [charter.voting_rules(values[0])]


def _mechanism_set(values: list[Any]) -> list[Any]:
    return [StationType(values[0]), values[1], charter.mechanism(values[2])]


def _channel_bound(values: list[Any]) -> list[Any]:
    return [*values[:2], ChannelKind(values[2]), *values[3:]]


def _offered(values: list[Any]) -> list[Any]:
    return [*values[:2], leases.offer_terms(values[2])]


def _leased(values: list[Any]) -> list[Any]:
    return [*values[:2], leases.lease(LeaseId(values[0]), values[2])]


def _specs() -> dict[bytes, _Spec]:
    """Every event's spec under its topic; an argument with a star is indexed."""
    hot_member = "*address *uint32"
    table: list[tuple[type[Any], str]] = [
        (MembershipApplied, "*address bytes32"),
        (ApplicationWithdrawn, "*address"),
        (ApplicationRejected, "*address bytes32"),
        (MemberAdmitted, hot_member),
        (MemberSuspended, hot_member),
        (MemberReinstated, hot_member),
        (MemberLeaving, f"{hot_member} uint32"),
        (MemberLeft, hot_member),
        (MemberMoved, "*uint32 *address *address"),
        (DaysCleared, "*uint32 uint32"),
        (RosterChanged, "*uint32 uint32[]"),
        (StationRegistered, f"*uint32 *address {registry.STATION_SPEC}"),
        (StationChangeProposed, f"*uint32 {registry.STATION_SPEC} bytes32"),
        (StationChanged, f"*uint32 *uint32 {registry.STATION_SPEC}"),
        (SafetyAgreed, "*uint32 *address bytes32"),
        (ContractAdded, "*bytes32 uint16 address"),
        (Paused, "*address uint48 uint48"),
        (Unpaused, "*address uint48"),
        (RoleGranted, "*bytes32 *address *address"),
        (RoleRevoked, "*bytes32 *address *address"),
        (CharterFounded, charter.VOTING_RULES),
        (ProposalMade, "*uint256 *uint32 *address bytes bytes32 uint32 uint48"),
        (VoteCast, "*uint256 *uint32 bool uint32 uint32"),
        (ProposalAccepted, "*uint256 uint48"),
        (ProposalObjected, "*uint256 *uint32 uint32 uint32"),
        (ProposalCancelled, "*uint256 *uint32"),
        (ProposalExecuted, "*uint256 bytes"),
        (ValueSet, "*bytes32 *uint32 uint256"),
        (PackSet, "*bytes32 *uint32 bytes32"),
        (SuccessorSet, "*bytes32 *uint32 address"),
        (MechanismSet, f"*uint8 *uint32 {charter.MECHANISM}"),
        (RevocationAsked, "*bytes32 *address *address uint48"),
        (RevokedByTwo, "*bytes32 *address address uint32"),
        (DIDOwnerChanged, "*address address uint256"),
        (DIDDelegateChanged, "*address bytes32 address uint256 uint256"),
        (DIDAttributeChanged, "*address bytes32 bytes uint256 uint256"),
        (DeviceEnrolled, "*address *address uint32 uint256"),
        (DeviceAttested, "*address *address uint256"),
        (ChannelBound, "*address *uint16 uint8 uint32 uint64 uint64 uint256"),
        (DelegateConfirmed, "*address *address uint256 address uint256"),
        (KeyConfirmed, "*address *address uint8 bytes uint256 address uint256"),
        (Compromised, "*address *address uint48 address uint256"),
        (OwnNeedSet, "*uint32 uint64 uint64"),
        (Offered, f"*uint32 *uint32 {leases.OFFER_TERMS}"),
        (OfferWithdrawn, "*uint32"),
        (Leased, f"*uint32 *uint32 {leases.LEASE}"),
        (LeaseEndAsked, "*uint32 *uint32 uint32"),
        (LeaseEnded, "*uint32 uint32 uint32 uint64"),
        (AmendmentAsked, "*uint32 *uint32 uint64 uint64 uint32 uint32"),
        (LeaseAmended, "*uint32 *uint32"),
        (Checkpoint, "*uint48 uint48 bytes32 bytes32"),
        (EpochOverdue, "*uint48 *address"),
        (DigestClaimed, "*bytes32 *address uint48"),
        (SignerFrozen, "*address *address uint16 bytes32 bytes32 uint48"),
        (WriterRotated, "*address *address"),
        (LogClosed, "uint48 uint48 bytes32"),
        (StatementPosted, "*uint32 *uint16 bytes32 uint32 bytes32 uint32[] int64[]"),
        (PaymentRecorded, "*uint32 *uint32 bytes32 address"),
        (BalanceMoved, "*uint32 *uint32 *uint32 int64"),
        (StatementVoided, "*uint32 uint16"),
        (FinalityMoved, "*uint32 uint48"),
        (DisputeUpheld, "*uint32 *uint16 *uint32 uint8 int64 int64 int64 int64 int64 address"),
        (StatementBroken, "*uint32 *uint16 *uint32 uint8 address"),
        (LeafDemanded, "*uint32 *uint32 uint16 uint32 uint48"),
        (LeafProduced, "*uint32 *uint32 uint16 uint32"),
        (RowsKept, "*bytes32 bytes32 uint48"),
    ]
    adapters: dict[type[Any], Callable[[list[Any]], list[Any]]] = {
        StationRegistered: _station_registered, StationChanged: _station_registered,
        StationChangeProposed: _station_change_proposed, MechanismSet: _mechanism_set, CharterFounded: _charter_founded,
        ChannelBound: _channel_bound, Offered: _offered, Leased: _leased,
    }  # fmt: skip
    return dict(_spec(make, text.split(), adapters.get(make, _unchanged)) for make, text in table)


def _spec(make: type[Any], arguments: list[str], adapt: Callable[[list[Any]], list[Any]]) -> tuple[bytes, _Spec]:
    types = tuple(argument.removeprefix("*") for argument in arguments)
    spec = _Spec(make, types, tuple(argument.startswith("*") for argument in arguments), adapt)
    return keccak256(spec.signature.encode()), spec


_SPECS = _specs()
