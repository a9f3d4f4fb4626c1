"""Step 1 (protocol 11.2, 5.6): the node serves the pinned chain and contracts, and nothing else."""

from alliance.identity import ZERO_ADDRESS, to_hex
from audit.finding import Unread, Where, diverged
from chain import pinned
from chain.anchors import AnchorLog
from chain.pinned import PinnedDiffers
from chain.rpc import Rpc
from oracle.deployment import Deployment

_RULE = "protocol 5.6: the chain is the pinned deployment"


def check(rpc: Rpc, deployment: Deployment) -> None:
    """Raise Diverged on another chain or contract, Unread for a log that continues another, and the errors of `Rpc`."""
    try:
        pinned.check(rpc, deployment)
    except PinnedDiffers as differs:
        raise diverged(f"{_RULE} ({differs.what})", differs.want, differs.got, where=Where()) from differs
    before = AnchorLog(rpc, deployment["AnchorLog"].address).predecessor()
    if before != ZERO_ADDRESS:
        raise Unread(what="log", why=f"it continues {to_hex(before)}, which this version does not read")
