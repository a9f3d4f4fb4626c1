"""Lies of a node: events left out, altered, doubled or made up, headers, code, state and proofs told otherwise."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from alliance.identity import Address, Digest, to_hex
from chain.events import (
    ChannelBound,
    Checkpoint,
    DelegateConfirmed,
    DeviceAttested,
    DeviceEnrolled,
    DIDDelegateChanged,
    DIDOwnerChanged,
    Leased,
    MemberAdmitted,
    RosterChanged,
    SignerFrozen,
    StatementPosted,
    StationRegistered,
)
from oracle.hashing import keccak256
from tests.audit.world import DAY, FIRST_EPOCH
from tests.campaigns.evidence_cases import Kind, Named, NotRead, Teller, Told, at_epoch
from tests.campaigns.evidence_chain import ChainView, Json, header_hash, rehash
from tests.campaigns.evidence_story import Story, Tale, arguments, with_arguments

KINDS: list[Kind] = []
_DEVICE_EVENTS = (DeviceEnrolled, DeviceAttested, ChannelBound, DelegateConfirmed, DIDDelegateChanged)
CHAIN = NotRead(what="chain")
_STATE = Named(clause="11.4", says="registry's state")
_TWIN = Named(clause="6", says="twin")


def kind(name: str, weight: int = 1) -> Callable[[Teller], Teller]:
    """Registers a class of lies of a node."""

    def register(tell: Teller) -> Teller:
        KINDS.append(Kind(name=name, tell=tell, weight=weight, consistent=False))
        return tell

    return register


def with_log(story: Story, at: int, change: Callable[[Json], Sequence[Json]]) -> Tale:
    """The view with one log told otherwise, left out, or followed by others."""
    logs = list(story.view.logs)
    logs[at : at + 1] = change(logs[at])
    return Tale(view=replace(story.view, logs=tuple(logs)))


def place_of(story: Story, kind_of: type, rng: Random) -> tuple[int, Any]:
    """Some event of a kind, with its place among the logs."""
    return rng.choice([(at, event) for at, event in enumerate(story.events) if isinstance(event, kind_of)])


def bent(story: Story, at: int, position: int, value: object) -> Tale:
    """The view with one argument of an event told otherwise."""

    def change(raw: Json) -> Sequence[Json]:
        _, _, values = arguments(raw)
        values[position] = value
        return [with_arguments(raw, values)]

    return with_log(story, at, change)


# ---- checkpoints ----


@kind("node.checkpoint-left-out", 3)
def _(story: Story, rng: Random) -> Told:
    """A checkpoint is left out: its epoch is missed, or the log's state at the end is."""
    at, event = place_of(story, Checkpoint, rng)
    last = story.checkpoints[-1].epoch
    says = "state" if event.epoch == last else "one by one"
    where = {"epoch": event.epoch}
    return with_log(story, at, lambda raw: []), (Named(clause="5", says=says, where=where),)


@kind("node.checkpoint-root", 2)
def _(story: Story, rng: Random) -> Told:
    """A checkpoint's root is another."""
    at, event = place_of(story, Checkpoint, rng)
    last = event.epoch == story.checkpoints[-1].epoch
    right = Named(clause="5", says="state", where={"epoch": event.epoch})
    walked = Named(clause="4.2", says="checkpoint root", where=at_epoch(event.epoch))
    return bent(story, at, 2, rng.randbytes(32)), (right if last else walked,)


@kind("node.checkpoint-size", 2)
def _(story: Story, rng: Random) -> Told:
    """A checkpoint's size is another."""
    at, event = place_of(story, Checkpoint, rng)
    size = max(1, event.size + rng.choice([-100, -1, 1, 100]))
    before = story.checkpoint(event.epoch - 1).size if event.epoch > story.first_epoch else 0
    if size <= before:
        right = Named(clause="5", says="grows", where={"epoch": event.epoch})
    elif event.epoch == story.checkpoints[-1].epoch:
        right = Named(clause="5", says="state", where={"epoch": event.epoch})
    elif size >= story.checkpoint(event.epoch + 1).size:
        right = Named(clause="5", says="grows", where={"epoch": event.epoch + 1})
    else:
        right = Named(clause="4.2", says="checkpoint size", where=at_epoch(event.epoch))
    return bent(story, at, 1, size), (right,)


@kind("node.checkpoint-epoch", 1)
def _(story: Story, rng: Random) -> Told:
    """A checkpoint's epoch is another."""
    at, event = place_of(story, Checkpoint, rng)
    other = event.epoch + rng.choice([-2, -1, 1, 2, 96])
    return bent(story, at, 0, other), (Named(clause="5", says="one by one", where={"epoch": event.epoch}),)


@kind("node.checkpoint-manifest", 2)
def _(story: Story, rng: Random) -> Told:
    """A checkpoint names no manifest, or another epoch's."""
    at, event = place_of(story, Checkpoint, rng)
    other = rng.choice([c for c in story.checkpoints if c is not event]).manifest
    named = rng.choice([other, rng.randbytes(32)])
    return bent(story, at, 3, named), (Named(clause="4.3", says="checkpoint names", where=at_epoch(event.epoch)),)


@kind("node.checkpoints-rewound", 1)
def _(story: Story, rng: Random) -> Told:
    """The newest checkpoints are left out, as if the log were shorter."""
    keep = rng.randint(FIRST_EPOCH, story.checkpoints[-1].epoch - 1)
    view = replace(
        story.view,
        logs=tuple(
            raw for raw, event in zip(story.view.logs, story.events, strict=True)
            if not (isinstance(event, Checkpoint) and event.epoch > keep)
        ),
    )  # fmt: skip
    where = {"epoch": story.checkpoints[-1].epoch}
    return Tale(view=view), (Named(clause="5", says="state", where=where),)


@kind("node.fork", 2)
def _(story: Story, rng: Random) -> Told:
    """Checkpoints and archive of another history, complete and of one piece; the state is still the real one."""
    epoch = rng.randint(FIRST_EPOCH + 1, story.checkpoints[-1].epoch)
    streams = sorted(s for s, listed in story.told[epoch].segments.items() if listed)
    if not streams:
        epoch, streams = FIRST_EPOCH + 1, sorted(story.told[FIRST_EPOCH + 1].segments)
    gone = rng.choice(streams)
    told = story.retell({epoch: lambda it: replace(it, segments={s: v for s, v in it.segments.items() if s != gone})})
    view = replace(story.view, logs=told.view.logs)
    where = {"epoch": story.checkpoints[-1].epoch}
    return replace(told, view=view), (Named(clause="5", says="state", where=where),)


# ---- devices ----


@kind("node.device-event-left-out", 3)
def _(story: Story, rng: Random) -> Told:
    """A change of the registry is left out, all its events: the walk through previousChange breaks there."""
    at, event = place_of(story, rng.choice(_DEVICE_EVENTS), rng)
    device = _device(event)
    logs = tuple(raw for raw in story.view.logs if raw["transactionHash"] != story.view.logs[at]["transactionHash"])
    if isinstance(event, DeviceEnrolled):
        right = Named(clause="6")
        return Tale(view=replace(story.view, logs=logs)), (
            right,
            Named(clause="4.3"),
            Named(clause="6.3"),
            _STATE,
            _TWIN,
        )
    where = {"device": f"0x{device.hex()}"}
    return Tale(view=replace(story.view, logs=logs)), (Named(clause="6", says="previousChange", where=where),)


@kind("node.previous-change", 2)
def _(story: Story, rng: Random) -> Told:
    """An event of the registry names another change before it (not its own block: two changes may share one)."""
    at, event = place_of(story, rng.choice(_DEVICE_EVENTS), rng)
    _, _, values = arguments(story.view.logs[at])
    value = max(0, values[-1] + rng.choice([-3, -1, 1, 5]))
    value = value + 1 if value == values[-1] else value
    value = values[-1] + 7 if value == event.at.block_number else value
    where = {"device": f"0x{_device(event).hex()}"}
    return bent(story, at, len(values) - 1, value), (Named(clause="6", says="previousChange", where=where),)


@kind("node.device-event-of-another", 2)
def _(story: Story, rng: Random) -> Told:
    """An event of the registry is told of another device."""
    at, event = place_of(story, rng.choice(_DEVICE_EVENTS[1:]), rng)
    others = [e.device for e in story.of(DeviceEnrolled) if e.device != _device(event)]
    other = rng.choice([*others, rng.randbytes(20)])
    return bent(story, at, 0, other), (Named(clause="6", says="previousChange"), _STATE, _TWIN)


@kind("node.device-event-alone-left-out", 3)
def _(story: Story, rng: Random) -> Told:
    """Of a change of the registry one event is left out, the other ones stay: the walk is whole, the state is not."""
    at, event = place_of(story, rng.choice((ChannelBound, DelegateConfirmed, DIDDelegateChanged)), rng)
    if isinstance(event, DIDDelegateChanged) and event.valid_to_s >= event.at.timestamp_s:
        at, event = place_of(story, DelegateConfirmed, rng)
    where = {"device": f"0x{_device(event).hex()}"}
    right = (
        replace(_STATE, where=where),
        replace(_TWIN, where=where),
        Named(clause="6", says="previousChange", where=where),
    )
    return with_log(story, at, lambda raw: []), right


@kind("node.device-event-field", 4)
def _(story: Story, rng: Random) -> Told:
    """A channel is told as of another station, kind or time, a key with another term or of another address."""
    at, event = place_of(story, rng.choice((ChannelBound, DelegateConfirmed)), rng)
    _, _, values = arguments(story.view.logs[at])
    if isinstance(event, ChannelBound):
        position = rng.randrange(1, 6)
        value: object = values[position] + rng.choice([1, 3]) if position != 2 else 3 - values[2]
    else:
        position = rng.choice([1, 2])
        value = rng.randbytes(20) if position == 1 else values[2] + rng.choice([-9, -1, 1, 86_400])
    where = {"device": f"0x{_device(event).hex()}"}
    return bent(story, at, position, value), (replace(_STATE, where=where), replace(_TWIN, where=where))


@kind("node.owner", 1)
def _(story: Story, rng: Random) -> Told:
    """A device is told to belong to somebody else."""
    at, event = place_of(story, DIDOwnerChanged, rng)
    where = {"device": f"0x{event.identity.hex()}"}
    return bent(story, at, 1, rng.choice([rng.randbytes(20), event.identity])), (replace(_STATE, where=where),)


@kind("node.made-up-key", 2)
def _(story: Story, rng: Random) -> Told:
    """A confirmation of a key that nobody confirmed."""
    at, event = place_of(story, DelegateConfirmed, rng)

    def twice(raw: Json) -> Sequence[Json]:
        _, _, values = arguments(raw)
        values[1] = rng.randbytes(20)
        if rng.random() < 0.5:
            values[-1] = event.at.block_number
        number = event.at.block_number + rng.randint(1, 60)
        block = story.view.blocks[number]
        more = with_arguments(raw, values) | {
            "blockNumber": hex(number), "blockHash": block["hash"], "logIndex": "0x63",
        }  # fmt: skip
        return [raw, more]

    where = {"device": f"0x{event.device.hex()}"}
    tale = with_log(story, at, twice)
    logs = sorted(tale.view.logs, key=lambda log: (int(log["blockNumber"], 16), int(log["logIndex"], 16)))
    return Tale(view=replace(tale.view, logs=tuple(logs))), (Named(clause="6", says="previousChange", where=where),)


@kind("node.freeze-left-out", 1)
def _(story: Story, rng: Random) -> Told:
    """A freeze is left out: the log's state has it."""
    at, event = place_of(story, SignerFrozen, rng)
    where = {"device": f"0x{event.device.hex()}"}
    return with_log(story, at, lambda raw: []), (Named(clause="11.4", says="frozen keys", where=where),)


def _device(event: Any) -> Address:
    return event.identity if isinstance(event, DIDDelegateChanged) else event.device


# ---- members, stations, leases, statements ----


@kind("node.roster", 2)
def _(story: Story, rng: Random) -> Told:
    """The roster's last change is left out or tells other members."""
    at = max(i for i, e in enumerate(story.events) if isinstance(e, RosterChanged))
    members = list(story.events[at].members)
    other = rng.choice([members[:-1], [*members, 4], members[::-1], [members[0] + 7, *members[1:]]])
    tale = with_log(story, at, lambda raw: []) if rng.random() < 0.3 else bent(story, at, 1, other)
    return tale, (Named(clause="8.2.1"),)


@kind("node.member-left-out", 1)
def _(story: Story, rng: Random) -> Told:
    """An admission is left out: a station's owner is nobody."""
    at, event = place_of(story, MemberAdmitted, rng)
    owned = [e.station for e in story.of(StationRegistered) if e.owner == event.account]
    return with_log(story, at, lambda raw: []), (Named(clause="7.1", where={"station": owned[0]}),)


@kind("node.station-rating", 2)
def _(story: Story, rng: Random) -> Told:
    """A station is told with another rating, type or region, or not at all: the plan does not count on it."""
    at, event = place_of(story, StationRegistered, rng)
    _, _, values = arguments(story.view.logs[at])
    spec = list(values[2])
    field = rng.randrange(2, len(spec))
    if rng.random() < 0.2:
        return with_log(story, at, lambda raw: []), (Named(clause="7"), Named(clause="8.2.3"), Named(clause="8"))
    spec[field] = spec[field] + rng.randint(1, 999)
    return bent(story, at, 2, tuple(spec)), (Named(clause="7", where={"station": event.station}),)


_TERM_SLOTS = 11
"""Place in a lease's terms."""


@kind("node.lease", 2)
def _(story: Story, rng: Random) -> Told:
    """A lease is told with other terms, or left out: the plan uses it as it was accepted."""
    at, _ = place_of(story, Leased, rng)
    if rng.random() < 0.3:
        return with_log(story, at, lambda raw: []), (Named(clause="7", where={"station": 3}),)
    _, _, values = arguments(story.view.logs[at])
    terms = list(values[2])
    numbers = [i for i, v in enumerate(terms) if isinstance(v, int) and not isinstance(v, bool) and i > 2]
    field = rng.choice(numbers)
    if field == _TERM_SLOTS:  # a plan may know of an earlier end, so a longer term is no difference to it; the rent is
        terms[field] += rng.randint(1_000, 5_000)
        return bent(story, at, 2, tuple(terms)), (Named(clause="8.6", says="lease_rent", where={"station": terms[4]}),)
    terms[field] = terms[field] + rng.randint(1, 50)
    return bent(story, at, 2, tuple(terms)), (Named(clause="7"),)


@kind("node.posting", 5)
def _(story: Story, rng: Random) -> Told:
    """A posted statement is told otherwise: its root, count, document, roster, balances."""
    at, event = place_of(story, StatementPosted, rng)
    match rng.randrange(6):
        case 0:
            return bent(story, at, 2, rng.randbytes(32)), (
                Named(clause="8.9.1", says="posted root", where={"slot": 96}),
                Named(clause="8.9.3" if event.version == 1 else "8.9.1"),
            )
        case 1:
            count = event.leaf_count + rng.choice([-1, 1, 1000])
            return bent(story, at, 3, count), (Named(clause="8.9.1", says="number of leaves", where={"slot": 96}),)
        case 2:
            return bent(story, at, 4, rng.randbytes(32)), (Named(clause="4.5", says="withheld", where={"slot": 96}),)
        case 3:
            members = list(event.members)
            return bent(story, at, 5, members[::-1]), (Named(clause="8.2.1", where={"slot": 96}),)
        case 4:
            balances = list(event.balances_cents)
            one, other = rng.sample(range(len(balances)), 2)
            cents = rng.choice([1, 100, 12_345])
            balances[one] += cents
            balances[other] -= cents
            return bent(story, at, 6, balances), (Named(clause="8.9.1", says="balance", where={"slot": 96}),)
        case _:
            balances = list(event.balances_cents)[:-1]
            return bent(story, at, 6, balances), (Named(clause="8.9.1", says="balance", where={"slot": 96}),)


@kind("node.posting-left-out", 2)
def _(story: Story, rng: Random) -> Told:
    """A statement or its correction is left out, or told as another day's or version's."""
    at, event = place_of(story, StatementPosted, rng)
    tale = rng.choice(
        [
            with_log(story, at, lambda raw: []),
            bent(story, at, 0, DAY.number + rng.choice([-1, 1])),
            bent(story, at, 1, event.version + 2),
        ]
    )
    return tale, (Named(clause="8.9.3", where={"slot": 96}),)


@kind("node.log-doubled", 1)
def _(story: Story, rng: Random) -> Told:
    """The node tells an event twice with other content, or gives two the same place."""
    at = rng.choice([i for i, e in enumerate(story.events) if isinstance(e, Checkpoint | StatementPosted)])
    raw = story.view.logs[at]
    _, _, values = arguments(raw)
    position = next(i for i, v in enumerate(values) if isinstance(v, bytes) and len(v) == 32)
    values[position] = rng.randbytes(32)
    more = with_arguments(raw, values)
    return with_log(story, at, lambda one: rng.sample([one, more], 2)), (
        CHAIN,
        Named(clause="5"),
        Named(clause="8.9.3"),
    )


@kind("node.log-malformed", 1)
def _(story: Story, rng: Random) -> Told:
    """An event of ours with bytes that are none: the node's fault, nobody is accused."""
    at, event = place_of(story, Checkpoint, rng)
    change: Callable[[Json], Json] = rng.choice(
        [
            lambda raw: {**raw, "data": raw["data"][:-2]},
            lambda raw: {**raw, "data": raw["data"] + "00"},
            lambda raw: {**raw, "topics": raw["topics"][:1]},
            lambda raw: {**raw, "data": "0x"},
            lambda raw: {**raw, "blockHash": "0x" + rng.randbytes(32).hex()},
            lambda raw: {**raw, "blockNumber": hex(len(story.view.blocks) + 9)},
        ]
    )
    return with_log(story, at, lambda raw: [change(raw)]), (CHAIN, Named(clause="5", where={"epoch": event.epoch}))


# ---- blocks, code, state ----


@kind("node.chain", 1)
def _(story: Story, rng: Random) -> Told:
    """Another chain, another genesis."""
    if rng.random() < 0.5:
        other = replace(story.view, chain_id=rng.choice([1, 31338, 11_155_111]))
        return Tale(view=other), (Named(clause="5.6", says="chain id"),)
    first = {**story.view.blocks[0], "hash": "0x" + rng.randbytes(32).hex()}
    return Tale(view=replace(story.view, blocks=(first, *story.view.blocks[1:]))), (
        Named(clause="5.6", says="genesis"),
    )


@kind("node.code", 2)
def _(story: Story, rng: Random) -> Told:
    """A contract has other code, in whole or by a byte."""
    name = rng.choice(sorted(story.deployment.contracts))
    address = story.deployment[name].address
    account = story.view.state.accounts[address]
    code = bytearray(account.code)
    code[rng.randrange(len(code))] ^= 1 << rng.randrange(8)
    told = replace(account, code=rng.choice([bytes(code), b"", bytes(code[:-1])]))
    state = replace(story.view.state, accounts={**story.view.state.accounts, address: told})
    return Tale(view=story.view.with_state(state)), (Named(clause="5.6", says=f"code of {name}"),)


@kind("node.header", 3)
def _(story: Story, rng: Random) -> Told:
    """A block's header tells another time, parent or root than it hashes to."""
    number = rng.choice([int(raw["blockNumber"], 16) for raw in story.view.logs])
    number = rng.choice([number, len(story.view.blocks) - 1])
    block = story.view.blocks[number]
    field = rng.choice(["timestamp", "stateRoot", "parentHash", "receiptsRoot", "logsBloom", "extraData"])
    value = hex(int(block["timestamp"], 16) + rng.choice([-3600, -1, 1, 3600])) if field == "timestamp" else None
    if field == "extraData":
        value = "0x" + rng.randbytes(3).hex()
    told = {**block, field: value or "0x" + rng.randbytes(len(block[field]) // 2 - 1).hex()}
    blocks = (*story.view.blocks[:number], told, *story.view.blocks[number + 1 :])
    return Tale(view=replace(story.view, blocks=blocks)), (CHAIN, Named(clause="11.4"))


@kind("node.header-rehashed", 2)
def _(story: Story, rng: Random) -> Told:
    """A block in the past tells another time and hashes to it: its events, or what names it, belong to another block."""
    number = rng.choice([int(raw["blockNumber"], 16) for raw in story.view.logs])
    block = story.view.blocks[number]
    told = {**block, "timestamp": hex(int(block["timestamp"], 16) + rng.choice([-900, 1, 900]))}
    told["hash"] = to_hex(header_hash(told))
    blocks = (*story.view.blocks[:number], told, *story.view.blocks[number + 1 :])
    return Tale(view=replace(story.view, blocks=blocks)), (CHAIN,)


@kind("node.early-anchor", 1)
def _(story: Story, rng: Random) -> Told:
    """An epoch is anchored before it was over: every block and event of one piece."""
    event = rng.choice([c for c in story.checkpoints if c.epoch > FIRST_EPOCH + 1])
    number = event.at.block_number
    end = (event.epoch + 1) * story.deployment.epoch_seconds
    view = retimed(story.view, number, end - rng.randint(1, 60))
    return Tale(view=view), (Named(clause="5", says="after its end", where={"epoch": event.epoch}),)


def retimed(view: ChainView, number: int, time_s: int) -> ChainView:
    """The chain with one block at another time, all later ones hashed anew, and the events with them."""
    blocks = rehash(
        view.blocks, first=number,
        change=lambda b: {**b, "timestamp": hex(time_s)} if int(b["number"], 16) == number else b,
    )  # fmt: skip
    logs = tuple(
        {**raw, "blockHash": blocks[at]["hash"]} if (at := int(raw["blockNumber"], 16)) >= number else raw
        for raw in view.logs
    )
    return replace(view, blocks=blocks, logs=logs)


def forging(view: ChainView, bend: Callable[[str, Json], object]) -> ChainView:
    """A view that bends the answers of eth_getProof."""

    class Forging(ChainView):
        def answer(self, method: str, params: Sequence[Any]) -> object:
            told = super().answer(method, params)
            return bend(params[0], told) if method == "eth_getProof" and isinstance(told, dict) else told

    fields = {name: getattr(view, name) for name in ("chain_id", "blocks", "logs", "state", "calls")}
    return Forging(**fields)


@kind("node.proof", 4)
def _(story: Story, rng: Random) -> Told:
    """A proof of the log's or the registry's state is bent: its nodes, its values, or what it is of."""
    name = rng.choice(["AnchorLog", "DeviceRegistry"])
    address, choice, number = to_hex(story.deployment[name].address), rng.randrange(6), rng.getrandbits(64)

    def bend(asked: str, told: Json) -> Json:
        return _bent_proof(told, choice, Random(number)) if asked.lower() == address and told["storageProof"] else told

    return Tale(view=forging(story.view, bend)), (Named(clause="11.4"), NotRead(what="state proof"), CHAIN)


def _bent_proof(told: Json, choice: int, rng: Random) -> Json:
    made: Json = {**told, "storageProof": [dict(slot) for slot in told["storageProof"]]}
    slot = rng.choice(made["storageProof"])
    match choice:
        case 0:
            slot["value"] = hex(int(slot["value"], 16) + 1)
        case 1:
            at = rng.randrange(len(slot["proof"]))
            raw = bytearray(bytes.fromhex(slot["proof"][at][2:]))
            raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
            slot["proof"] = [*slot["proof"][:at], to_hex(bytes(raw)), *slot["proof"][at + 1 :]]
        case 2:
            slot["proof"] = slot["proof"][:-1]
        case 3:
            made["storageHash"] = "0x" + rng.randbytes(32).hex()
        case 4:
            at = rng.randrange(len(made["accountProof"]))
            raw = bytearray(bytes.fromhex(made["accountProof"][at][2:]))
            raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
            made["accountProof"] = [*made["accountProof"][:at], to_hex(bytes(raw)), *made["accountProof"][at + 1 :]]
        case _:
            made["codeHash"] = "0x" + rng.randbytes(32).hex()
    return made


@kind("node.state-of-a-fork", 2)
def _(story: Story, rng: Random) -> Told:
    """The newest block is another chain's: its log has another root, size or epoch; the events are the old ones."""
    last = story.checkpoints[-1]
    slots = story.log_slots(
        root=Digest(rng.randbytes(32)) if (which := rng.randrange(3)) == 0 else last.root,
        size=last.size + (rng.choice([-1, 1, 50]) if which == 1 else 0),
        epoch=last.epoch + (rng.choice([-1, 1, 96]) if which == 2 else 0),
    )
    state = story.view.state.stored(story.deployment["AnchorLog"].address, slots)
    return Tale(view=story.view.with_state(state)), (Named(clause="5", says="state"),)


@kind("node.changed-of-a-fork", 1)
def _(story: Story, rng: Random) -> Told:
    """The registry's state names another latest change of a device than its events do."""
    event = rng.choice(story.of(DeviceEnrolled))
    registry = story.deployment["DeviceRegistry"].address
    storage = story.view.state.accounts[registry].storage
    slot = int.from_bytes(keccak256(event.device.rjust(32, b"\0"), (2).to_bytes(32, "big")), "big")
    value = storage[slot] + rng.choice([-1, 1, 40])
    state = story.view.state.stored(registry, {slot: value})
    where = {"device": f"0x{event.device.hex()}"}
    return Tale(view=story.view.with_state(state)), (Named(clause="6", says="previousChange", where=where),)
