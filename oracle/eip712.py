"""EIP-712 digests of everything that is signed (protocol 1.5): one domain, bound to chain and `AllianceRegistry`."""

from dataclasses import dataclass, field

from alliance.identity import Address, Digest
from oracle.hashing import keccak256

_DOMAIN_TYPE = keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
_NAME = keccak256(b"StorageAlliance")
_VERSION = keccak256(b"1")


def word(value: int | bytes) -> bytes:
    """A value as one 32-byte ABI word: integers and addresses to the right; 32 bytes as they are."""
    return value.to_bytes(32, "big") if isinstance(value, int) else value.rjust(32, b"\0")


@dataclass(frozen=True, slots=True)
class Domain:
    """Where signatures are valid: one chain, one `AllianceRegistry`."""

    chain_id: int
    registry: Address
    separator: Digest = field(init=False)
    alliance: Digest = field(init=False)
    """allianceId = keccak256(chainId ‖ AllianceRegistry), each as one word."""

    def __post_init__(self) -> None:
        place = word(self.chain_id) + word(self.registry)
        object.__setattr__(self, "separator", keccak256(_DOMAIN_TYPE, _NAME, _VERSION, place))
        object.__setattr__(self, "alliance", keccak256(place))

    def digest(self, type_hash: bytes, *words: int | bytes) -> Digest:
        """The EIP-712 digest of a struct whose members are all one word."""
        return keccak256(b"\x19\x01", self.separator, keccak256(type_hash, *map(word, words)))


SEGMENT = keccak256(
    b"Segment(address device,uint16 channel,uint64 firstSeq,uint32 count,uint64 tFirst,uint64 tLast,"
    b"bytes32 root,bytes32 prev,uint64 beaconBlock,bytes32 beaconHash)"
)
ACK = keccak256(b"Ack(bytes32 segment,uint64 epoch)")
ENROL = keccak256(b"Enrol(address device,address owner,uint32 station,uint256 nonce,uint64 deadline)")
ROTATE = keccak256(b"Rotate(address device,address newKey,uint64 validity,uint256 nonce)")
ROTATE_KEY = keccak256(b"RotateKey(address device,uint8 alg,bytes publicKey,uint64 validity,uint256 nonce)")
ACCEPT = keccak256(b"Accept(bytes32 schedule,uint64 firstPeriod,uint64 beaconBlock,bytes32 beaconHash)")
LIVE = keccak256(b"Live(address device,uint64 t,bytes32 body)")
DIRECTIVE = keccak256(
    b"Directive(uint32 station,uint64 number,uint64 issued,uint64 from,uint64 until,bytes32 plan,bytes32 body)"
)
ANSWER = keccak256(b"Answer(bytes32 directive,uint8 outcome,uint64 t,bytes32 reason)")
CONFIGURATION = keccak256(b"Configuration(uint32 station,uint64 number,uint64 issued,uint64 until,bytes32 body)")
CONFIGURATION_ANSWER = keccak256(b"ConfigurationAnswer(bytes32 configuration,uint8 outcome,uint64 t,bytes32 reason)")
EVENT_HEAD = keccak256(b"EventHead(address device,uint64 number,bytes32 entry)")
ASK = keccak256(b"Ask(address device,uint64 t,bytes32 path)")
HEALTH = keccak256(b"Health(address device,uint64 t,bytes32 report)")


def ack_digest(domain: Domain, *, segment: Digest, epoch: int) -> Digest:
    """What the writer's delegate signs after COMMIT (protocol 4.1)."""
    return domain.digest(ACK, segment, epoch)


def enrol_digest(
    domain: Domain, *, device: Address, owner: Address, station: int, nonce: int, deadline_s: int
) -> Digest:
    """The device's consent to belong to an owner and a station (protocol 6.2)."""
    return domain.digest(ENROL, device, owner, station, nonce, deadline_s)


def rotate_digest(domain: Domain, *, device: Address, new_key: Address, validity_s: int, nonce: int) -> Digest:
    """The outgoing key's word for a new secp256k1 key of its device (protocol 6.3)."""
    return domain.digest(ROTATE, device, new_key, validity_s, nonce)


def rotate_key_digest(
    domain: Domain, *, device: Address, alg: int, public_key: bytes, validity_s: int, nonce: int
) -> Digest:
    """The outgoing key's word for a new key of P-256 or Ed25519 (protocol 6.3)."""
    return domain.digest(ROTATE_KEY, device, alg, keccak256(public_key), validity_s, nonce)


def accept_digest(
    domain: Domain, *, schedule: Digest, first_period: int, beacon_block: int, beacon_hash: Digest
) -> Digest:
    """A station key's acceptance of a schedule (protocol 6.9); `schedule` is the document block's SHA-256."""
    return domain.digest(ACCEPT, schedule, first_period, beacon_block, beacon_hash)


def live_digest(domain: Domain, *, device: Address, t_ms: int, body: bytes) -> Digest:
    """Live values for screens (protocol 10.4): authenticated, and settling nothing."""
    return domain.digest(LIVE, device, t_ms, keccak256(body))


def directive_digest(
    domain: Domain, *, station: int, number: int, issued_ms: int, from_ms: int, until_ms: int, plan: Digest,
    body: Digest,
) -> Digest:  # fmt: skip
    """What a dispatcher tells a station to do (protocol 9.15); `body` is its SHA-256."""
    return domain.digest(DIRECTIVE, station, number, issued_ms, from_ms, until_ms, plan, body)


def answer_digest(domain: Domain, *, directive: Digest, outcome: int, t_ms: int, reason: Digest) -> Digest:
    """A box's word on what became of a directive (protocol 9.15.5); `reason` is its text's SHA-256."""
    return domain.digest(ANSWER, directive, outcome, t_ms, reason)


def configuration_digest(
    domain: Domain, *, station: int, number: int, issued_ms: int, until_ms: int, body: Digest
) -> Digest:  # fmt: skip
    """What a configurer sets on a station's box (protocol 9.20); `body` is its SHA-256."""
    return domain.digest(CONFIGURATION, station, number, issued_ms, until_ms, body)


def configuration_answer_digest(
    domain: Domain, *, configuration: Digest, outcome: int, t_ms: int, reason: Digest
) -> Digest:  # fmt: skip
    """A box's word on what became of a configuration (protocol 9.20.6); `reason` is its text's SHA-256."""
    return domain.digest(CONFIGURATION_ANSWER, configuration, outcome, t_ms, reason)


def event_head_digest(domain: Domain, *, device: Address, number: int, entry: Digest) -> Digest:
    """A box's word that its event log ends with an entry (protocol 10.20.3)."""
    return domain.digest(EVENT_HEAD, device, number, entry)


def ask_digest(domain: Domain, *, device: Address, t_ms: int, path: str) -> Digest:
    """A box's question after what is its own alone (protocol 9.15.6); `path` with its query, as it is asked."""
    return domain.digest(ASK, device, t_ms, keccak256(path.encode()))


def health_digest(domain: Domain, *, device: Address, t_ms: int, body: Digest) -> Digest:
    """A device's report of a test of its battery (protocol 9.22.9); `body` is the report's SHA-256."""
    return domain.digest(HEALTH, device, t_ms, body)
