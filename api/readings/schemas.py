"""Bodies about readings; power positive out of the station, registers cumulative Wh as decimal texts."""

from api.projection import ChainStatus
from api.wire import BigInt, Hex20, Milliseconds, Wire


class ReadingAnswer(Wire):
    """A reading as its device signed it; fields of the other kind of channel are null."""

    id: str
    device: Hex20
    channel: int
    kind: str
    seq: int
    t: Milliseconds
    flags: int
    power_w: int
    reactive_var: int | None
    soc_bp: int | None
    soh_bp: int | None
    import_wh: BigInt
    export_wh: BigInt
    epoch: int
    chain_status: ChainStatus
