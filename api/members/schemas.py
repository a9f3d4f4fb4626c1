"""Bodies about members."""

from api.projection import ChainStatus
from api.wire import Hex20, Wire


class MemberAnswer(Wire):
    """A member: its number by order of admission, its account, and where it stands."""

    member: int
    address: Hex20
    status: str
    chain_status: ChainStatus
