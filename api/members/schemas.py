"""Bodies about members."""

from api.projection import ChainStatus
from api.wire import Hex20, Hex32, Wire


class ApplicationAnswer(Wire):
    """An account's latest application: applied, withdrawn, rejected or admitted."""

    applicant: Hex20
    status: str
    hash: Hex32
    """Salted hash of the applicant's papers; of the written reason when it was rejected."""
    chain_status: ChainStatus


class MemberAnswer(Wire):
    """A member: its number by order of admission, its account, and where it stands."""

    member: int
    address: Hex20
    status: str
    chain_status: ChainStatus
