"""Bodies about epochs and the log."""

from api.projection import ChainStatus
from api.wire import Hex32, Wire


class EpochAnswer(Wire):
    """An epoch: what the service closed (null while it only is sealed), and where the chain has its checkpoint."""

    epoch: int
    size: int | None
    root: Hex32 | None
    manifest: Hex32 | None
    manifest_cid: str | None
    entries_cid: str | None
    block: int | None
    block_hash: Hex32 | None
    block_time: int | None
    log_index: int | None
    chain_status: ChainStatus
