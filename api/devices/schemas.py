"""Bodies about devices."""

from api.projection import ChainStatus
from api.wire import BigInt, Hex20, Milliseconds, Wire


class ChannelAnswer(Wire):
    """A channel's binding to a station; `to` 0 is open."""

    channel: int
    kind: str
    station: int
    from_: Milliseconds
    to: Milliseconds


class KeyAnswer(Wire):
    """A key confirmed for the device; `valid_to` in unix seconds, exclusive."""

    key: Hex20
    valid_to: BigInt
    revoked: bool
    frozen: bool
    compromised_since_epoch: int | None


class DeviceAnswer(Wire):
    """A device by its address and its DID (did:ethr)."""

    device: Hex20
    did: str
    owner: Hex20
    owner_member: int | None
    station: int
    attested: bool
    channels: tuple[ChannelAnswer, ...]
    keys: tuple[KeyAnswer, ...]
    chain_status: ChainStatus
