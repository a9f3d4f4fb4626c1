"""The hand-written ABI agrees with the compiler's interface and with an independent codec."""

import importlib
from types import ModuleType

import pytest
from eth_abi import decode as peer_decode
from eth_abi import encode as peer_encode
from hypothesis import given
from hypothesis import strategies as st

from alliance.errors import Malformed
from chain import abi, artifacts, events
from chain.abi import AbiMalformed, AbiTypeUnknown, AbiValueWrong, Function

MODULES = {
    "registry": "AllianceRegistry",
    "charter": "Charter",
    "devices": "DeviceRegistry",
    "leases": "CapacityLease",
    "anchors": "AnchorLog",
    "settlements": "SettlementLedger",
}
WORDS = {
    "uint8": st.integers(0, 255),
    "uint48": st.integers(0, 2**48 - 1),
    "uint256": st.integers(0, 2**256 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "int256": st.integers(-(2**255), 2**255 - 1),
    "address": st.binary(min_size=20, max_size=20),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes4": st.binary(min_size=4, max_size=4),
    "bool": st.booleans(),
    "bytes": st.binary(max_size=70),
}


@st.composite
def typed_values(draw: st.DrawFn, depth: int = 3) -> tuple[str, object]:
    kind = draw(st.sampled_from([*WORDS, "array", "tuple"] if depth else list(WORDS)))
    if kind == "tuple":
        parts = draw(st.lists(typed_values(depth - 1), min_size=1, max_size=3))
        return "(" + ",".join(text for text, _ in parts) + ")", tuple(value for _, value in parts)
    if kind == "array":
        item, first = draw(typed_values(depth - 1))
        return item + "[]", (first,) * draw(st.integers(0, 3))
    return kind, draw(WORDS[kind])


@given(st.lists(typed_values(), min_size=1, max_size=4))
def test_bytes_equal_the_independent_codecs_when_any_values_are_encoded(row: list[tuple[str, object]]) -> None:
    types, values = [text for text, _ in row], tuple(value for _, value in row)
    raw = abi.encode("(" + ",".join(types) + ")", values)
    assert raw == peer_encode(types, _peer(types, values))
    assert abi.decode("(" + ",".join(types) + ")", raw) == values
    assert len(peer_decode(types, raw)) == len(values)


def _peer(types: list[str], values: tuple[object, ...]) -> list[object]:
    return [_peer_value(kind, value) for kind, value in zip(types, values, strict=True)]


def _peer_value(kind: str, value: object) -> object:
    if kind == "address":
        assert isinstance(value, bytes)
        return "0x" + value.hex()
    if kind.endswith("[]"):
        assert isinstance(value, tuple)
        return [_peer_value(kind[:-2], one) for one in value]
    if kind.startswith("("):
        assert isinstance(value, tuple)
        return tuple(_peer(abi._members(kind[1:-1]), value))
    return value


@given(st.data())
def test_altered_bytes_never_decode_to_the_same_values_when_one_byte_is_changed(data: st.DataObject) -> None:
    types = "(uint48,bytes32[],bytes,(bool,int64),address)"
    values = (7, (b"\1" * 32, b"\2" * 32), b"abc", (True, -5), b"\3" * 20)
    raw = bytearray(abi.encode(types, values))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    try:
        assert abi.decode(types, bytes(raw)) != values
    except Malformed:
        pass


@pytest.mark.parametrize(
    ("types", "value"),
    [("(uint8)", 256), ("(uint8)", -1), ("(int64)", 2**63), ("(uint8)", True), ("(address)", b"\1" * 19),
     ("(bytes32)", b""), ("(bool)", 1), ("(uint8[])", 5), ("((uint8,uint8))", (1,)), ("(bytes)", "text")],
)  # fmt: skip
def test_value_is_refused_when_it_does_not_fit_its_type(types: str, value: object) -> None:
    with pytest.raises(AbiValueWrong):
        abi.encode(types, (value,))


@pytest.mark.parametrize("raw", [b"", b"\0" * 31, b"\0" * 31 + b"\2", b"\0" * 64, b"\1" + b"\0" * 31])
def test_bytes_are_refused_when_they_are_not_one_canonical_word(raw: bytes) -> None:
    with pytest.raises(AbiMalformed):
        abi.decode("(bool)", raw)


def test_bytes_are_refused_when_a_length_would_need_more_memory_than_there_is() -> None:
    huge = (32).to_bytes(32, "big") + (2**60).to_bytes(32, "big")
    with pytest.raises(AbiMalformed):
        abi.decode("(bytes32[])", huge)


@pytest.mark.parametrize("text", ["(uint7)", "(fixed)", "(uint264)", "uint8]", "(bytes33)", "(string)"])
def test_type_is_refused_when_the_codec_does_not_know_it(text: str) -> None:
    with pytest.raises(AbiTypeUnknown):
        abi.encode(text, (1,))


@pytest.mark.parametrize("module", MODULES)
def test_every_function_stands_in_the_compiled_interface_when_modules_are_compared(module: str) -> None:
    artifact = artifacts.load(MODULES[module])
    known = {
        one["name"] + artifacts._types(one["inputs"]): artifacts._types(one["outputs"])
        for one in artifact.abi
        if one["type"] == "function"
    }
    functions = _functions(importlib.import_module(f"chain.{module}"))
    assert len(functions) >= 8
    for function in functions:
        assert function.name + function.inputs in known, function
        if function.outputs != "()":
            assert known[function.name + function.inputs] == function.outputs


def _functions(module: ModuleType) -> list[Function]:
    return [value for value in vars(module).values() if isinstance(value, Function)]


def test_every_event_is_decoded_when_the_compiled_contracts_are_compared() -> None:
    compiled: dict[str, str] = {}
    for name in artifacts.names():
        compiled |= artifacts.load(name).signatures("event")
    del compiled["RoleAdminChanged"]  # no contract of ours changes a role's administrator
    assert events.signatures() == {name: name + types for name, types in compiled.items()}


def test_indexed_arguments_agree_when_the_compiled_contracts_are_compared() -> None:
    for name in artifacts.names():
        for one in artifacts.load(name).abi:
            if one["type"] == "event" and one["name"] != "RoleAdminChanged":
                spec = next(s for s in events._SPECS.values() if s.make.__name__ == one["name"])
                assert spec.indexed == tuple(argument["indexed"] for argument in one["inputs"]), one["name"]
