"""The log's tree in memory (protocol 1.1): rebuilt from stored entries, grown by the anchor job alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from alliance.errors import Conflicting
from alliance.identity import Digest
from api.epochs import repository
from oracle.log import Entry
from oracle.merkle import HashTree, leaf_hash


@dataclass(kw_only=True, eq=False)
class LogCorrupt(Conflicting):
    """The stored entries do not hash to the root that was stored with the last closed epoch."""

    epoch: int
    size: int
    want_root: Digest
    got_root: Digest


class LogTree:
    """The tree over all closed epochs' entries. Readers take `tree` once and ask for sizes that checkpoints name."""

    def __init__(self) -> None:
        self.tree = HashTree()

    def load(self, connection: Connection) -> None:
        """Bring the tree to what is stored. Raises LogCorrupt."""
        last = repository.last_closed(connection)
        size = 0 if last is None else last.size
        tree = self.tree if self.tree.size <= size else HashTree()
        for entry in repository.entries_from(connection, tree.size):
            tree.append(leaf_hash(entry.raw))
        if last is not None and (tree.size != last.size or tree.root() != last.root):
            raise LogCorrupt(epoch=last.number, size=last.size, want_root=last.root, got_root=tree.root())
        self.tree = tree

    def extend(self, entries: Sequence[Entry]) -> HashTree:
        """Append entries that are about to be stored; `load` takes them back if they were not."""
        for entry in entries:
            self.tree.append(leaf_hash(entry.raw))
        return self.tree
