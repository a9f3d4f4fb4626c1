"""What other slices may ask about devices, their channels and their keys (protocol 6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, func, select

from alliance.fleet import Channel
from alliance.identity import Address, StationId
from alliance.keys import KeyHistory, Moment, Report, Standing, Term, standing
from alliance.reading import ChannelKind
from api.devices.repository import attestations, channels, delegates, devices, frozen_signers, owners, public_keys
from oracle.signature import PublicKeys


class DelegateChange(StrEnum):
    """What an event did to a device's key."""

    CONFIRMED = "confirmed"
    REVOKED = "revoked"
    COMPROMISED = "compromised"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """An enrolled device; `owner` is its latest, `attested` once an attestor confirmed it."""

    device: Address
    owner: Address
    station: StationId
    attested: bool
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A key that was confirmed for a device, and until when (unix seconds, exclusive) it may sign."""

    key: Address
    valid_to_s: int
    revoked: bool
    compromised_since_epoch: int | None
    frozen: bool

    def valid_at(self, t_s: int) -> bool:
        """Whether the key may sign at an instant."""
        return not self.revoked and not self.frozen and t_s < self.valid_to_s


def listed(connection: Connection, *, after: bytes = b"", limit: int | None = None) -> list[DeviceRow]:
    """Devices by address, those behind `after`, `limit` at most."""
    query = select(devices).where(devices.c.device > after).order_by(devices.c.device).limit(limit)
    rows = connection.execute(query).all()
    return [
        DeviceRow(
            device=Address(row.device),
            owner=_owner(connection, row.device) or Address(row.owner),
            station=StationId(row.station),
            attested=_attested(connection, row.device),
            block=row.block,
        )
        for row in rows
    ]


def channels_of(connection: Connection, device: Address) -> list[Channel]:
    """A device's bindings, the latest of each channel last."""
    return _channels(connection, channels.c.device == device)


def channels_at(connection: Connection, station: int) -> list[Channel]:
    """All bindings that were ever made to a station, in the order of the chain."""
    return _channels(connection, channels.c.station == station)


def all_channels(connection: Connection) -> list[Channel]:
    """All bindings, in the order of the chain."""
    return _channels(connection, channels.c.block >= 0)


def registered(connection: Connection, *, as_of_block: int) -> set[tuple[Address, int]]:
    """Every (device, channel) that was bound up to a block: what a manifest must name (protocol 4.3)."""
    query = select(channels.c.device, channels.c.channel).where(channels.c.block <= as_of_block).distinct()
    return {(Address(row.device), row.channel) for row in connection.execute(query)}


def is_registered(connection: Connection, device: Address, channel: int) -> bool:
    """Whether a channel was ever bound."""
    query = select(func.count()).where(channels.c.device == device, channels.c.channel == channel)
    return bool(connection.execute(query).scalar_one())


def keys_of(connection: Connection, device: Address) -> list[KeyRow]:
    """All keys that were ever confirmed for a device, by address."""
    query = select(delegates).where(delegates.c.device == device).order_by(delegates.c.block, delegates.c.log_index)
    keys: dict[Address, KeyRow] = {}
    frozen = frozen_of(connection, device)
    for row in connection.execute(query):
        key = Address(row.delegate)
        held = keys.get(key)
        match DelegateChange(row.what):
            case DelegateChange.CONFIRMED:
                keys[key] = KeyRow(
                    key=key,
                    valid_to_s=row.valid_to_s,
                    revoked=False,
                    compromised_since_epoch=None,
                    frozen=key in frozen,
                )
            case DelegateChange.REVOKED | DelegateChange.COMPROMISED if held is not None:
                keys[key] = KeyRow(
                    key=key,
                    valid_to_s=min(held.valid_to_s, row.valid_to_s),
                    revoked=True,
                    compromised_since_epoch=row.epoch if row.epoch is not None else held.compromised_since_epoch,
                    frozen=key in frozen,
                )
            case _:  # a plain ERC-1056 delegate was revoked: it never counted
                continue
    return [keys[key] for key in sorted(keys)]


def public_keys_of(connection: Connection) -> PublicKeys:
    """The public keys that were ever confirmed, by device and algorithm, in the order of the chain."""

    def keys(device: Address, alg: int) -> Sequence[bytes]:
        mine = (public_keys.c.device == device, public_keys.c.alg == alg)
        query = select(public_keys.c.public_key).where(*mine).order_by(public_keys.c.block, public_keys.c.log_index)
        return list(dict.fromkeys(connection.execute(query).scalars()))

    return keys


class KeyBook:
    """What the chain said of a device's keys and owners, so that a key can be judged at any place (protocol 6.4)."""

    def __init__(self, connection: Connection, device: Address) -> None:
        self._device = device
        self._histories = _histories(connection, device)
        query = select(owners).where(owners.c.device == device).order_by(owners.c.block, owners.c.log_index)
        self._owners = [(Moment(row.block, row.log_index), row.owner) for row in connection.execute(query)]

    def history(self, key: Address) -> KeyHistory:
        """What was said of a key; empty when nothing was."""
        return self._histories.get(key, KeyHistory())

    def standing(self, key: Address, *, at: Moment, time_s: int) -> Standing:
        """What a key is worth for a segment whose first checkpoint stands at `at`, in a block of that time."""
        owner = next((owner for moment, owner in reversed(self._owners) if moment < at), self._device)
        return standing(self.history(key), at=at, time_s=time_s, is_owner=owner == key)

    def all_stand(self, time_s: int) -> bool:
        """Whether no key of the device was ever revoked or frozen, and none has expired at a time (unix seconds)."""
        return not any(
            history.revoked or history.frozen or any(term.valid_to_s <= time_s for term in history.terms)
            for history in self._histories.values()
        )

    def reports_between(self, after_block: int, up_to_block: int) -> list[Report]:
        """Reports of compromised keys in the blocks behind one, up to another."""
        return [
            report
            for history in self._histories.values()
            for report in history.reports
            if after_block < report.at.block <= up_to_block
        ]


def frozen_of(connection: Connection, device: Address, *, as_of_block: int | None = None) -> set[Address]:
    """The signers of a device that stand frozen for equivocation, as of a block."""
    query = select(frozen_signers.c.signer).where(frozen_signers.c.device == device)
    if as_of_block is not None:
        query = query.where(frozen_signers.c.block <= as_of_block)
    return {Address(signer) for signer in connection.execute(query).scalars()}


def _histories(connection: Connection, device: Address) -> dict[Address, KeyHistory]:
    found: dict[Address, KeyHistory] = {}
    query = select(delegates).where(delegates.c.device == device).order_by(delegates.c.block, delegates.c.log_index)
    for row in connection.execute(query):
        history, moment = found.setdefault(Address(row.delegate), KeyHistory()), Moment(row.block, row.log_index)
        match DelegateChange(row.what):
            case DelegateChange.CONFIRMED:
                history.terms.append(Term(moment, row.valid_to_s))
            case DelegateChange.REVOKED:
                history.revoked.append(moment)
            case DelegateChange.COMPROMISED:
                history.reports.append(Report(moment, row.epoch))
    frozen = select(frozen_signers).where(frozen_signers.c.device == device)
    for row in connection.execute(frozen.order_by(frozen_signers.c.block, frozen_signers.c.log_index)):
        history = found.setdefault(Address(row.signer), KeyHistory())
        history.frozen = history.frozen or Moment(row.block, row.log_index)
    return found


def _channels(connection: Connection, condition: object) -> list[Channel]:
    query = select(channels).where(condition).order_by(channels.c.block, channels.c.log_index)  # type: ignore[arg-type]  # a column comparison
    return [
        Channel(
            device=Address(row.device),
            channel=row.channel,
            kind=ChannelKind(row.kind),
            station=StationId(row.station),
            from_ms=row.from_s * 1000,
            to_ms=row.to_s * 1000,
        )
        for row in connection.execute(query)
    ]


def _owner(connection: Connection, device: bytes) -> Address | None:
    query = (
        select(owners.c.owner)
        .where(owners.c.device == device)
        .order_by(owners.c.block.desc(), owners.c.log_index.desc())
        .limit(1)
    )
    owner = connection.execute(query).scalar_one_or_none()
    return None if owner is None else Address(owner)


def _attested(connection: Connection, device: bytes) -> bool:
    query = select(func.count()).where(attestations.c.device == device)
    return bool(connection.execute(query).scalar_one())
