"""What a transaction bids (protocol 5.5): by the block's base fee each time, at least 15 % more when it replaces."""

from dataclasses import dataclass

GWEI = 1_000_000_000
_BUMP_PERCENT = 115


@dataclass(frozen=True, slots=True)
class Fees:
    """Most that is paid for each gas, and the part of it for the block's producer; wei."""

    max_fee_wei: int
    tip_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeePolicy:
    """`tip_wei` for the producer, and the price for each gas above which nothing is sent (None: no limit)."""

    tip_wei: int = GWEI
    limit_wei: int | None = None

    def price(self, base_fee_wei: int) -> Fees:
        """Twice the base fee plus the tip: six full blocks may pass before it is too low."""
        return Fees(2 * base_fee_wei + self.tip_wei, self.tip_wei)

    def replace(self, old: Fees, base_fee_wei: int) -> Fees:
        """A bid that nodes take in place of `old` and that pays today's base fee."""
        now = self.price(base_fee_wei)
        return Fees(max(now.max_fee_wei, _bumped(old.max_fee_wei)), max(now.tip_wei, _bumped(old.tip_wei)))

    def allows(self, fees: Fees) -> bool:
        """Whether a bid stays within the limit."""
        return self.limit_wei is None or fees.max_fee_wei <= self.limit_wei


def gas_limit(estimate: int) -> int:
    """Gas to allow for an estimated use: a quarter more, the same for the same estimate."""
    return estimate * 5 // 4 + 5_000


def _bumped(wei: int) -> int:
    return -(-wei * _BUMP_PERCENT // 100)
