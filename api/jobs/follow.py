"""Following the chain into tables (protocol 5.4): each event to its slice, each undone block forgotten."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, insert, select

from alliance.identity import ZERO_DIGEST, Address, Digest, MemberId
from api import projection
from api.charter import repository as charter
from api.database import Database
from api.devices import repository as devices
from api.devices.queries import DelegateChange
from api.epochs import repository as epochs
from api.jobs.loop import Halted
from api.leases import repository as leases
from api.members import queries as member_queries
from api.members import repository as members
from api.platform import Platform
from api.statements import repository as statements
from api.stations import repository as stations
from chain import events
from chain.devices import VERI_KEY
from chain.events import Event, Place
from chain.follower import BlockRef, Follower, ReorganisedTooDeep


class FollowHalted(Halted, ReorganisedTooDeep):
    """A reorganisation went deeper than F: nothing may be final or paid until people have looked."""


class Follow:
    """The job that keeps the tables in step with the chain."""

    name = "follow"

    def __init__(self, platform: Platform) -> None:
        deployment = platform.deployment
        self._follower = Follower(
            platform.rpc,
            Projections(platform.database, remember=platform.settings.finality_blocks + 2),
            contracts=[contract.address for contract in deployment.contracts.values()],
            start_block=min(contract.block for contract in deployment.contracts.values()),
            finality_blocks=platform.settings.finality_blocks,
        )

    def run(self, t_ms: int) -> None:
        """Catch up with the node."""
        del t_ms  # the chain has its own time
        try:
            self._follower.follow()
        except ReorganisedTooDeep as error:
            raise FollowHalted(**error.facts) from error  # type: ignore[arg-type]  # its own fields


class Projections:
    """The follower's store: blocks and events in the service's database, one transaction a call."""

    def __init__(self, database: Database, *, remember: int) -> None:
        self._database, self._remember = database, remember

    def blocks(self) -> Sequence[BlockRef]:
        """The newest applied blocks, oldest first."""
        table = projection.blocks
        query = select(table.c.number, table.c.hash, table.c.time_s).order_by(table.c.number.desc())
        with self._database.reading() as connection:
            rows = connection.execute(query.limit(self._remember)).all()
        return [BlockRef(number=r.number, hash=Digest(r.hash), timestamp_s=r.time_s) for r in reversed(rows)]

    def apply(self, block: BlockRef, found: Sequence[Event]) -> None:
        """Record events up to and including a block."""
        with self._database.writing() as connection:
            for event in found:
                apply_event(connection, event)
            row = {"number": block.number, "hash": block.hash, "time_s": block.timestamp_s}
            connection.execute(insert(projection.blocks), row)

    def undo(self, to_block: int) -> None:
        """Forget what blocks above one said."""
        with self._database.writing() as connection:
            projection.undo_after(connection, to_block)


def apply_event(connection: Connection, event: Event) -> None:
    """Record one event in the slice that it concerns; those that no slice shows are passed over."""
    place = {"block": event.at.block_number, "log_index": event.at.log_index}
    match event:
        case events.MemberAdmitted():
            _member(connection, event.at, event.account, event.member, "admitted")
        case events.MemberReinstated():
            _member(connection, event.at, event.account, event.member, "admitted")
        case events.MemberSuspended():
            _member(connection, event.at, event.account, event.member, "suspended")
        case events.MemberLeaving():
            _member(connection, event.at, event.account, event.member, "leaving")
        case events.MemberLeft():
            _member(connection, event.at, event.account, event.member, "left")
        case events.MemberMoved():
            status = member_queries.status_of(connection, event.member) or "admitted"
            _member(connection, event.at, event.after, event.member, status)
        case events.RosterChanged():
            members.add_roster(
                connection,
                **place,
                from_day=event.from_day,
                members=b"".join(n.to_bytes(4, "big") for n in event.members),
            )
        case events.StationRegistered():
            spec = asdict(event.spec) | {"station_type": int(event.spec.station_type)}
            row = place | spec | {"station": event.station, "owner": event.owner}
            stations.add(connection, stations.stations, row)
        case events.Offered():
            terms = {c.name: getattr(event.terms, c.name) for c in leases.offers.c if hasattr(event.terms, c.name)}
            leases.add(connection, leases.offers, place | terms | {"offer": event.offer, "station": event.station})
        case events.OfferWithdrawn():
            leases.add(connection, leases.withdrawals, place | {"offer": event.offer})
        case events.Leased():
            terms = asdict(event.lease)
            lease = place | terms | {"lease": terms.pop("number"), "offer": event.offer}
            leases.add(connection, leases.leases, {k: v for k, v in lease.items() if k != "number"})
        case events.LeaseEnded():
            row = {"end_slot": event.end_slot, "by_member": event.by, "price_cents": event.price_cents}
            leases.add(connection, leases.lease_ends, place | row | {"lease": event.number})
        case events.LeaseAmended():
            row = {"lease": event.number, "following": event.following}
            leases.add(connection, leases.amendments, place | row)
        case events.LeaseEndAsked():
            row = {"lease": event.number, "member": event.member, "from_slot": event.end_slot}
            leases.add(connection, leases.lease_asks, place | row)
        case events.AmendmentAsked():
            row = {
                "lease": event.number, "member": event.member, "from_slot": event.first_slot, "power_w": event.power_w,
                "energy_wh": event.energy_wh, "term_slots": event.term_slots,
            }  # fmt: skip
            leases.add(connection, leases.lease_asks, place | row)
        case events.StatementPosted():
            statements.add(connection, statements.statements_posted, place | _posted(event))
        case events.DisputeUpheld():
            row = {
                "day": event.day, "version": event.version, "leaf": event.index, "kind": event.kind,
                "expected": event.expected, "got": event.got, "moved_cents": event.moved_cents, "by": event.by,
            }  # fmt: skip
            statements.add(connection, statements.decisions, place | row)
        case events.StatementVoided():
            statements.add(connection, statements.voided, place | {"day": event.day, "up_to": event.up_to})
        case events.FinalityMoved():
            statements.add(
                connection, statements.finalities, place | {"day": event.day, "final_at_s": event.final_at_s}
            )
        case events.PaymentRecorded():
            row = {"day": event.day, "member": event.member, "receipt": event.receipt, "by": event.by}
            statements.add(connection, statements.payments, place | row)
        case events.Checkpoint():
            row = {
                "epoch": event.epoch, "size": event.size, "root": event.root, "manifest": event.manifest,
                "block_hash": event.at.block_hash, "time_s": event.at.timestamp_s,
            }  # fmt: skip
            connection.execute(insert(epochs.checkpoints), place | row)
        case _:
            _standing_event(connection, place, event)


def _standing_event(connection: Connection, place: dict[str, int], event: Event) -> None:
    """Applications and what stations' owners signed or asked for."""
    match event:
        case events.MembershipApplied():
            members.add_application(connection, **place, address=event.applicant, what="applied", hash=event.commitment)
        case events.ApplicationWithdrawn():
            members.add_application(connection, **place, address=event.applicant, what="withdrawn", hash=ZERO_DIGEST)
        case events.ApplicationRejected():
            members.add_application(connection, **place, address=event.applicant, what="rejected", hash=event.reason)
        case events.StationChangeProposed():
            stations.add(connection, stations.requests, place | {"station": event.station})
        case events.StationChanged():
            spec = asdict(event.spec) | {"station_type": int(event.spec.station_type)}
            row = place | spec | {"station": event.station, "from_day": event.from_day}
            stations.add(connection, stations.changes, row)
        case events.SafetyAgreed():
            row = place | {"station": event.station, "owner": event.owner, "agreement": event.agreement}
            stations.add(connection, stations.agreements, row)
        case _:
            charter.apply(connection, place, event)
            _device_event(connection, place, event)


def _device_event(connection: Connection, place: dict[str, int], event: Event) -> None:
    match event:
        case events.DeviceEnrolled():
            row = {"device": event.device, "owner": event.owner, "station": event.station}
            devices.add(connection, devices.devices, place | row)
        case events.DIDOwnerChanged():
            devices.add(connection, devices.owners, place | {"device": event.identity, "owner": event.owner})
        case events.DeviceAttested():
            devices.add(connection, devices.attestations, place | {"device": event.device, "attestor": event.attestor})
        case events.ChannelBound():
            row = {
                "device": event.device, "channel": event.channel, "kind": int(event.kind), "station": event.station,
                "from_s": _stored(event.from_s), "to_s": _stored(event.to_s),
            }  # fmt: skip
            devices.add(connection, devices.channels, place | row)
        case events.DelegateConfirmed():
            _delegate(connection, place, event.device, event.delegate, DelegateChange.CONFIRMED, event.valid_to_s)
        case events.KeyConfirmed():
            row = {
                "device": event.device, "signer": event.signer, "alg": event.alg, "public_key": event.public_key,
            }  # fmt: skip
            devices.add(connection, devices.public_keys, place | row)
        case events.DIDDelegateChanged() if _revokes(event):
            _delegate(connection, place, event.identity, event.delegate, DelegateChange.REVOKED, event.valid_to_s)
        case events.Compromised():
            until = event.at.timestamp_s - 1
            _delegate(
                connection, place, event.device, event.signer, DelegateChange.COMPROMISED, until, epoch=event.epoch
            )
        case events.SignerFrozen():
            row = {"device": event.device, "signer": event.signer, "size": event.size}
            devices.add(connection, devices.frozen_signers, place | row)
        case _:
            return


def _revokes(event: events.DIDDelegateChanged) -> bool:
    """A veriKey whose end lies before the block itself: revoked, by owner, rotation or report."""
    return event.delegate_type == VERI_KEY and event.valid_to_s < event.at.timestamp_s


def _delegate(
    connection: Connection, place: dict[str, int], device: Address, delegate: Address, what: DelegateChange,
    valid_to_s: int, *, epoch: int | None = None,
) -> None:  # fmt: skip
    row: dict[str, object] = {
        "device": device, "delegate": delegate, "what": what.value, "valid_to_s": _stored(valid_to_s), "epoch": epoch,
    }  # fmt: skip
    devices.add(connection, devices.delegates, place | row)


def _member(connection: Connection, at: Place, address: Address, member: MemberId, status: str) -> None:
    members.add_event(
        connection, block=at.block_number, log_index=at.log_index, address=address, member=member, status=status
    )


def _posted(event: events.StatementPosted) -> dict[str, object]:
    return {
        "day": event.day, "version": event.version, "root": event.root, "leaf_count": event.leaf_count,
        "statement": event.statement, "members": b"".join(n.to_bytes(4, "big") for n in event.members),
        "balances": b"".join(c.to_bytes(8, "big", signed=True) for c in event.balances_cents),
        "time_s": event.at.timestamp_s,
    }  # fmt: skip


def _stored(seconds: int) -> int:
    """A time as SQLite can hold it; the end of time stays the end of time."""
    return min(seconds, (1 << 63) - 1)
