"""The event log's chain (protocol 10.20): each entry holds the hash of the one before, and heads are signed.

A line is `<SHA-256 of the entry, hex> <entry>`, the entry JSON `{"facts", "kind", "n", "prev", "t"}` in one form. What
was changed, taken out, put in or moved breaks the chain at a place that can be named. A tail that was cut off, or one
that was written anew, is found as far as a signed head reaches: entries after the newest head are only chained.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from alliance.errors import AllianceError, Malformed
from alliance.identity import ZERO_ADDRESS, ZERO_DIGEST, Address, Digest, address, digest, to_hex
from oracle import eip712, signature
from oracle.eip712 import Domain
from oracle.hashing import sha256
from oracle.plain import Fields
from oracle.signature import SECP256K1, KeySigner

HEAD = "head"
"""The kind of an entry that signs the entry before it."""


class Break(StrEnum):
    """How a chain is broken."""

    UNREADABLE = "unreadable"
    CHANGED = "changed"
    MISSING = "missing"
    REPEATED = "repeated"
    MOVED = "moved"
    FOLLOWS_ANOTHER = "follows_another"
    HEAD_WRONG = "head_wrong"
    HEAD_FOREIGN = "head_foreign"
    REWRITTEN = "rewritten"
    CUT_AT_BEGINNING = "cut_at_beginning"
    CUT_AT_END = "cut_at_end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event; numbers begin at 1 and ascend by 1."""

    number: int
    t_ms: int
    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    prev: Digest = ZERO_DIGEST
    """The entry before; zero for the first one."""

    @property
    def form(self) -> bytes:
        """The one form in which it is hashed."""
        plain = {
            "n": self.number, "t": self.t_ms, "kind": self.kind, "facts": self.facts, "prev": self.prev.hex(),
        }  # fmt: skip
        return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def digest(self) -> Digest:
        """By which the next entry knows it."""
        return sha256(self.form)

    @property
    def line(self) -> bytes:
        """As it stands in the log."""
        return self.digest.hex().encode() + b" " + self.form + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """A box's word that its log ended with an entry; kept apart from the log, it shows a tail that was cut off."""

    number: int
    entry: Digest
    signer: Address
    alg: int
    public_key: bytes
    """Of the algorithms whose signatures do not tell who signed; else empty."""
    signature: bytes

    def to_plain(self) -> dict[str, object]:
        """As JSON values."""
        return {
            "number": self.number, "entry": to_hex(self.entry), "signer": to_hex(self.signer), "alg": self.alg,
            "publicKey": to_hex(self.public_key), "signature": to_hex(self.signature),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The first entry at which a log is broken: its number by its place in the chain, and its line if it has one."""

    number: int
    line: int
    how: Break
    want: str = ""
    got: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found. `signed_to`: up to this number nothing can be changed or cut off unseen."""

    entries: int
    first: int
    last: int
    signed_to: int
    broken: Broken | None = None


@dataclass(kw_only=True, eq=False)
class EntryUnreadable(Malformed):
    """A line is no entry."""

    problem: str


def read_line(line: bytes) -> tuple[Entry, Digest]:
    """An entry and the hash that stands before it, which is not checked. Raises EntryUnreadable."""
    named, space, raw = line.rstrip(b"\n").partition(b" ")
    try:
        f = Fields(json.loads(raw), where="event")
        entry = Entry(
            number=f.int("n", low=1), t_ms=f.int("t"), kind=f.str("kind"), facts=_map(f.any("facts")),
            prev=digest("0x" + f.str("prev"), field="prev"),
        )  # fmt: skip
        f.finish()
        if not space or entry.form != raw:
            raise EntryUnreadable(problem="another form")
        return entry, digest("0x" + named.decode("ascii"), field="hash")
    except (ValueError, AllianceError) as error:
        raise EntryUnreadable(problem=str(error)[:120]) from None


def sign_head(number: int, entry: Digest, *, device: Address, domain: Domain, signer: KeySigner) -> SignedHead:
    """The word that the log ends with an entry."""
    named = eip712.event_head_digest(domain, device=device, number=number, entry=entry)
    return SignedHead(
        number=number, entry=entry, signer=signer.address, alg=signer.alg,
        public_key=b"" if signer.alg == SECP256K1 else signer.public_key, signature=signer.sign(named),
    )  # fmt: skip


def read_head(value: object) -> SignedHead:
    """A head from JSON values; its signature is not checked. Raises PlainMalformed or BadHex."""
    f = Fields(value, where="head")
    found = SignedHead(
        number=f.int("number", low=1), entry=digest(f.str("entry"), field="entry"),
        signer=address(f.str("signer"), field="signer"), alg=f.int("alg", low=1, high=255),
        public_key=_bytes(f.str("publicKey")), signature=_bytes(f.str("signature")),
    )  # fmt: skip
    f.finish()
    return found


def signed_by(head: SignedHead, *, device: Address, domain: Domain) -> Address:
    """Who signed a head; the zero address where nobody did."""
    named = eip712.event_head_digest(domain, device=device, number=head.number, entry=head.entry)
    try:
        keys = [head.public_key] if head.public_key else []
        return signature.recover(named, alg=head.alg, signature=head.signature, public_keys=keys)
    except AllianceError:
        return ZERO_ADDRESS


def check(
    lines: Iterable[bytes], *, device: Address, domain: Domain, keys: frozenset[Address],
    heads: Iterable[SignedHead] = (), may_begin_late: bool = False,
) -> Checked:  # fmt: skip
    """Walk a log from its first line and name the first entry that is broken.

    `keys`: whose heads count. `heads`: kept apart from the log. `may_begin_late`: older files were let go by rotation,
    so the log may begin with a head that signs the entry before it.
    """
    walk = _Walk(device=device, domain=domain, keys=keys, heads=tuple(heads), may_begin_late=may_begin_late)
    for line in lines:
        broken = walk.step(line)
        if broken is not None:
            return walk.told(broken)
    return walk.told(walk.at_end())


class _Walk:
    """A check on its way."""

    def __init__(
        self, *, device: Address, domain: Domain, keys: frozenset[Address], heads: tuple[SignedHead, ...],
        may_begin_late: bool,
    ) -> None:  # fmt: skip
        self._device, self._domain, self._keys, self._late = device, domain, keys, may_begin_late
        self._heads = heads
        self._outside = {head.number: head for head in heads}
        self._first = self._number = self._lines = self._signed_to = 0
        self._prev = ZERO_DIGEST

    def step(self, line: bytes) -> Broken | None:
        self._lines += 1
        expected = self._number + 1
        try:
            entry, named = read_line(line)
        except EntryUnreadable as error:
            return self._broken(expected, Break.UNREADABLE, got=error.problem)
        if entry.digest != named:
            return self._broken(expected, Break.CHANGED, want=named.hex(), got=entry.digest.hex())
        if self._lines == 1 and entry.number > 1:
            if not self._late or entry.kind != HEAD:
                return self._broken(1, Break.CUT_AT_BEGINNING, want="1", got=str(entry.number))
            self._number, self._prev = entry.number - 1, entry.prev
            expected = entry.number
        if (broken := self._place(entry, expected)) is not None:
            return broken
        if entry.kind == HEAD and (broken := self._head(entry)) is not None:
            return broken
        self._first = self._first or entry.number
        self._number, self._prev = entry.number, entry.digest
        return self._against(entry)

    def _place(self, entry: Entry, expected: int) -> Broken | None:
        if entry.number > expected:
            return self._broken(expected, Break.MISSING, want=str(expected), got=str(entry.number))
        if entry.number < expected:
            how = Break.REPEATED if entry.number == expected - 1 else Break.MOVED
            return self._broken(expected, how, want=str(expected), got=str(entry.number))
        if entry.prev != self._prev:
            return self._broken(expected, Break.FOLLOWS_ANOTHER, want=self._prev.hex(), got=entry.prev.hex())
        return None

    def _head(self, entry: Entry) -> Broken | None:
        try:
            head = read_head(dict(entry.facts))
        except AllianceError as error:
            return self._broken(entry.number, Break.HEAD_WRONG, got=str(error))
        if (head.number, head.entry) != (entry.number - 1, self._prev):
            return self._broken(entry.number, Break.HEAD_WRONG, want=self._prev.hex(), got=head.entry.hex())
        return self._trusted(head, entry.number)

    def _trusted(self, head: SignedHead, number: int) -> Broken | None:
        signer = signed_by(head, device=self._device, domain=self._domain)
        if signer not in self._keys:
            return self._broken(number, Break.HEAD_FOREIGN, got=to_hex(signer))
        self._signed_to = max(self._signed_to, head.number)
        return None

    def _against(self, entry: Entry) -> Broken | None:
        """A head that was kept elsewhere says which entry stood here."""
        head = self._outside.get(entry.number)
        if head is None:
            return None
        if head.entry != entry.digest:
            return self._broken(entry.number, Break.REWRITTEN, want=head.entry.hex(), got=entry.digest.hex())
        return self._trusted(head, entry.number)

    def at_end(self) -> Broken | None:
        known = max((head.number for head in self._heads), default=0)
        if known > self._number:
            self._lines += 1
            return self._broken(self._number + 1, Break.CUT_AT_END, want=str(known), got=str(self._number))
        return None

    def told(self, broken: Broken | None) -> Checked:
        return Checked(
            entries=self._number - self._first + 1 if self._first else 0, first=self._first, last=self._number,
            signed_to=self._signed_to, broken=broken,
        )  # fmt: skip

    def _broken(self, number: int, how: Break, *, want: str = "", got: str = "") -> Broken:
        return Broken(number=number, line=self._lines, how=how, want=want, got=got)


def _map(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise EntryUnreadable(problem="facts are no map")
    return value


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
