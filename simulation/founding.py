"""Founding the demo's alliance on chain: contracts, members, stations, devices and leases, each by its own key."""

from collections.abc import Mapping
from dataclasses import dataclass

from alliance.calendar import SLOT_MS, SLOTS_A_DAY, Day, epoch_at
from alliance.identity import Address, MemberId, StationId
from alliance.reading import ChannelKind
from chain import devices, leases, registry
from chain.deploy import RoleHolders, Terms, deploy
from chain.leases import CapacityLease, OfferTerms
from chain.registry import StationSpec
from chain.wallet import Wallet
from edge.evidence.sampling import BATTERY_CHANNEL, METER_CHANNEL
from oracle.deployment import Deployment
from oracle.hashing import sha256
from oracle.signature import SecpSigner
from simulation.anvil import Anvil
from simulation.cast import CastLease, CastStation

KEY_VALIDITY_S = 5 * 365 * 86_400
ROLES = ("deployer", "writer", "settler", "attestor", "admitter", "guardian", "acknowledger")


@dataclass(frozen=True, slots=True)
class Keyring:
    """The demo's keys, all drawn from its seed: public, repeatable, and worth nothing elsewhere."""

    seed: bytes

    def secret(self, name: str) -> bytes:
        """The secret of a role or member."""
        return sha256(b"alliance demo key", self.seed, name.encode())

    def signer(self, name: str) -> SecpSigner:
        """The key of a role or member."""
        return SecpSigner(self.secret(name))

    def member(self, number: MemberId) -> SecpSigner:
        """The wallet of a member."""
        return self.signer(f"member {number}")

    def address(self, name: str) -> Address:
        """The account of a role."""
        return self.signer(name).address


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceConsent:
    """What a box printed when it was enrolled: its address and its signature."""

    station: StationId
    device: Address
    deadline_s: int
    signature: bytes


class Founder:
    """Sends the founding transactions; each is mined in a block of its own, one second after the last."""

    def __init__(self, anvil: Anvil, keyring: Keyring) -> None:
        self._anvil, self._keyring = anvil, keyring

    def deploy(self, *, first_day: Day, first_tick_ms: int, window_s: int) -> Deployment:
        """Create the contracts; the log begins with the epoch of the first tick."""
        holders = {
            role: self._keyring.address(role) for role in ("admitter", "attestor", "settler", "guardian", "writer")
        }
        terms = Terms(
            roles=RoleHolders(**holders),
            start_epoch=epoch_at(first_tick_ms) - 1,
            first_day=first_day,
            settlement_window_seconds=window_s,
        )
        return deploy(self._anvil.rpc, self._wallet(self._keyring.signer("deployer")), terms)

    def admit(self, deployment: Deployment, stations: tuple[CastStation, ...]) -> None:
        """Six owners apply with their own wallets, are admitted, register their stations and sign for their safety."""
        to = deployment["AllianceRegistry"].address
        admitter = self._wallet(self._keyring.signer("admitter"))
        for station in stations:
            owner = self._wallet(self._keyring.member(station.owner))
            papers = sha256(b"papers", self._keyring.seed, station.key.encode())
            owner.send(to, registry.apply_for_membership(papers))
            admitter.send(to, registry.admit(owner.address))
            owner.send(to, registry.register_station(_spec(station)))
            agreement = sha256(b"safety agreement", self._keyring.seed, station.key.encode())
            owner.send(to, registry.sign_safety_agreement(station.number, agreement))

    def enrol(
        self, deployment: Deployment, stations: tuple[CastStation, ...], consents: Mapping[StationId, DeviceConsent]
    ) -> None:
        """Owners enrol the boxes' devices with their consent; the attestor confirms them and binds their channels."""
        to, attestor = deployment["DeviceRegistry"].address, self._wallet(self._keyring.signer("attestor"))
        kinds = {METER_CHANNEL: ChannelKind.METER, BATTERY_CHANNEL: ChannelKind.BATTERY}
        for station in stations:
            given = consents[station.number]
            owner = self._wallet(self._keyring.member(station.owner))
            call = devices.enrol(given.device, station.number, deadline_s=given.deadline_s, signature=given.signature)
            owner.send(to, call)
            attestor.send(to, devices.attest(given.device, validity_s=KEY_VALIDITY_S))
            for channel, kind in kinds.items():
                now_s = self._anvil.rpc.head().timestamp_s
                attestor.send(
                    to, devices.bind_channel(given.device, channel, kind=kind, station=station.number, from_s=now_s)
                )

    def lease(
        self, deployment: Deployment, stations: tuple[CastStation, ...], terms: tuple[CastLease, ...], *, first_day: Day
    ) -> None:
        """Owners offer a part of their stations from the first day on; lessees take a part of that."""
        to = deployment["CapacityLease"].address
        book = CapacityLease(self._anvil.rpc, to)
        by_number = {station.number: station for station in stations}
        for lease in terms:
            owner = self._wallet(self._keyring.member(by_number[lease.station].owner))
            owner.send(to, leases.offer(_offer(lease, first_day)))
            number = book.offer_count()
            lessee = self._wallet(self._keyring.member(lease.lessee))
            call = leases.accept(
                number, power_w=lease.power_w, energy_wh=lease.energy_wh, first_slot=first_day.first_slot,
                term_slots=lease.term_days * SLOTS_A_DAY,
            )  # fmt: skip
            lessee.send(to, call)

    def _wallet(self, signer: SecpSigner) -> Wallet:
        chain_id = self._anvil.rpc.chain_id()
        return Wallet(self._anvil.rpc, signer, chain_id=chain_id, between_polls=self._mine)

    def _mine(self) -> None:
        self._anvil.mine_at(self._anvil.rpc.head().timestamp_s + 1)


def funded(keyring: Keyring, stations: tuple[CastStation, ...]) -> list[Address]:
    """The accounts that send transactions."""
    return [*map(keyring.address, ROLES), *(keyring.member(s.owner).address for s in stations)]


def genesis_s(first_day: Day) -> int:
    """Time of the chain's first block: two hours before the first day."""
    return (first_day.start_ms - 2 * 3_600_000) // 1000


def first_tick_ms(first_day: Day) -> int:
    """The first tick: 45 minutes before the first day, a minute into an epoch."""
    return first_day.start_ms - 3 * SLOT_MS + 60_000


def _spec(station: CastStation) -> StationSpec:
    rated = station.plant
    return StationSpec(
        station_type=station.station_type, region=station.region, charge_power_w=rated.battery.charge_power_w,
        discharge_power_w=rated.battery.discharge_power_w, capacity_wh=rated.battery.capacity_wh,
        pcc_import_w=rated.pcc_import_w, pcc_export_w=rated.pcc_export_w,
    )  # fmt: skip


def _offer(lease: CastLease, first_day: Day) -> OfferTerms:
    return OfferTerms(
        station=lease.station, power_w=lease.offered_power_w, energy_wh=lease.offered_energy_wh,
        first_slot=first_day.first_slot, term_slots=lease.term_days * SLOTS_A_DAY, eta_c_ppm=lease.eta_c_ppm,
        eta_d_ppm=lease.eta_d_ppm, rent_cents_per_kw_year=lease.rent_cents_per_kw_year, wear_price=lease.wear_price,
        handover_wh=lease.offered_handover_wh, handover_price=lease.handover_price, sla_bp=lease.sla_bp,
        sla_factor_bp=lease.sla_factor_bp, price_version=lease.price_version,
    )  # fmt: skip
