"""What the log's proofs look like on the wire."""

from api.wire import Hex32, Wire


class ConsistencyAnswer(Wire):
    """That a smaller log is a beginning of a larger one (RFC 9162 2.1.4)."""

    old_size: int
    new_size: int
    old_root: Hex32
    new_root: Hex32
    proof: tuple[Hex32, ...]


class InclusionAnswer(Wire):
    """That an entry stands in the log (RFC 9162 2.1.3)."""

    index: int
    size: int
    root: Hex32
    leaf: Hex32
    proof: tuple[Hex32, ...]
