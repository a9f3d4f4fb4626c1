"""Step 2 (protocol 11.2, 5): the log's checkpoints are consecutive, only grow, and end in the contract's own state."""

from collections.abc import Iterable

from alliance.calendar import Day
from alliance.identity import Digest
from audit.facts import Facts
from audit.finding import Unread, Where, diverged, expect
from chain.events import Checkpoint
from oracle.merkle import EMPTY_ROOT

_CONSECUTIVE = "protocol 5: epochs are anchored one by one"
_GROWS = "protocol 5: the log only grows"
_AFTER = "protocol 5: an epoch is anchored after its end"
_STATE = "protocol 5: the checkpoints end in the contract's state"
_DAY = "protocol 11.2: every epoch of the day is anchored"


def check(facts: Facts) -> list[Checkpoint]:
    """The checkpoints in order. Raises Diverged."""
    found = facts.of(Checkpoint)
    epoch, size = facts.deployment.start_epoch, 0
    for checkpoint in found:
        where = Where(epoch=epoch + 1)
        expect(_CONSECUTIVE, epoch + 1, checkpoint.epoch, where=where)
        if checkpoint.size <= size:
            raise diverged(_GROWS, f"more than {size} entries", f"{checkpoint.size} entries", where=where)
        end_s = (checkpoint.epoch + 1) * facts.deployment.epoch_seconds
        if checkpoint.at.timestamp_s < end_s:
            raise diverged(_AFTER, f"at or after {end_s} s", f"{checkpoint.at.timestamp_s} s", where=where)
        epoch, size = checkpoint.epoch, checkpoint.size
    _check_state(facts, found)
    return found


def _check_state(facts: Facts, found: list[Checkpoint]) -> None:
    root: Digest = found[-1].root if found else EMPTY_ROOT
    epoch = found[-1].epoch if found else facts.deployment.start_epoch
    size = found[-1].size if found else 0
    where = Where(epoch=facts.log.epoch)
    expect(_STATE, f"epoch {facts.log.epoch}", f"epoch {epoch}", where=where)
    expect(_STATE, f"{facts.log.size} entries", f"{size} entries", where=where)
    expect(_STATE, facts.log.root, root, where=where)


def at_size(checkpoints: Iterable[Checkpoint], size: int) -> Checkpoint | None:
    """The checkpoint at which the log had so many entries, None if it was never anchored at that size."""
    return next((c for c in checkpoints if c.size == size), None)


def day_epochs(facts: Facts, day: Day) -> range:
    """The epochs that hold a day's readings: from the one that ends as the day begins to the day's last.

    A log that began later begins the range.
    """
    seconds = facts.deployment.epoch_seconds
    first = day.start_ms // (seconds * 1000) - 1
    last = (day.end_ms - 1) // (seconds * 1000)
    return range(max(first, facts.deployment.start_epoch + 1), last + 1)


def require_day_closed(facts: Facts, day: Day) -> None:
    """Raise Unread while the day's last epoch need not be anchored yet, Diverged when it is overdue."""
    last = day_epochs(facts, day)[-1:]
    if not last:
        raise Unread(what="day", why=f"{day} was over before the log began")
    if facts.log.epoch >= last[0]:
        return
    overdue_s = (last[0] + 2) * facts.deployment.epoch_seconds
    if facts.head.timestamp_s < overdue_s:
        raise Unread(what="day", why=f"{day} is not closed yet: epoch {facts.log.epoch} of {last[0]} is anchored")
    where = Where(epoch=facts.log.epoch + 1)
    raise diverged(_DAY, f"epoch {last[0]}", f"epoch {facts.log.epoch} is the last", where=where)
