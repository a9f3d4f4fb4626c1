"""What the service's transactions do on chain (protocol 5.5): one key an intent, and how to see that it took effect.

Keys: `advance:<epoch>` (writer), `statement:<day number>:<version>` (settler).
"""

from collections.abc import Callable
from dataclasses import dataclass

from alliance.calendar import Day
from alliance.errors import Malformed
from chain.anchors import AnchorLog
from chain.intents import Intent
from chain.rpc import Rpc
from chain.settlements import SettlementLedger
from oracle.deployment import Deployment


@dataclass(kw_only=True, eq=False)
class IntentKeyUnknown(Malformed):
    """An intent's key is none of those that this service uses."""

    key: str


def advance_key(epoch: int) -> str:
    """The key of an epoch's step."""
    return f"advance:{epoch}"


def statement_key(day: Day, version: int) -> str:
    """The key of a day's statement."""
    return f"statement:{day.number}:{version}"


def already_done(rpc: Rpc, deployment: Deployment) -> Callable[[Intent], bool]:
    """Asks the chain whether an intent took effect, whoever sent it."""
    log = AnchorLog(rpc, deployment["AnchorLog"].address)
    ledger = SettlementLedger(rpc, deployment["SettlementLedger"].address)

    def done(intent: Intent) -> bool:
        match intent.key.split(":"):
            case ["advance", epoch]:
                return log.state().epoch >= int(epoch)
            case ["statement", day, version]:
                return ledger.version_of(Day(int(day))) >= int(version)
            case _:
                raise IntentKeyUnknown(key=intent.key)

    return done
