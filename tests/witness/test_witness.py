"""Protocol 4.11: a witness cosigns a log that only grows, remembers across a power cut, and refuses every other story."""

import base64
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from oracle.log import Entry, EntryType
from oracle.merkle import HashTree, leaf_hash
from oracle.note import Checkpoint, NoteSigner, NoteVerifier, parse_note, parse_signatures, signed_checkpoint
from oracle.witnessing import Submission
from simulation.anvil import free_port

ORIGIN = "storage-alliance/31337/0x" + "11" * 20
LOG = NoteSigner(ORIGIN, b"\x05" * 32)


class Program:
    """The console script, with its state in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._process = folder, None
        self.url, self.verifier = "", NoteVerifier.parse(str(LOG.verifier))

    def start(self) -> None:
        port = free_port()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "witness.main", "run", "--name", "witness.example/w1", "--log", str(LOG.verifier),
             "--state", str(self._folder), "--port", str(port)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.verifier = NoteVerifier.parse(self._process.stdout.readline())
        self.url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                httpx.get(f"{self.url}/vkey", timeout=5)
                return
            except httpx.ConnectError:
                assert self._process.poll() is None
        raise AssertionError("the witness does not listen")

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.communicate()

    def ask(self, old: int, tree: HashTree, *, size: int | None = None, signer: NoteSigner = LOG) -> httpx.Response:
        size = tree.size if size is None else size
        head = Checkpoint(origin=signer.verifier.name, size=size, root=tree.root(size))
        proof = tuple(tree.consistency_proof(old, size)) if old <= size else ()
        asked = Submission(old_size=old, proof=proof, note=signed_checkpoint(head, signer))
        return httpx.post(f"{self.url}/add-checkpoint", content=asked.raw, timeout=30)


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path / "state")
    program.start()
    yield program
    program.kill()


def grown(count: int, *, word: bytes = b"a") -> HashTree:
    return HashTree(
        leaf_hash(Entry(EntryType.EPOCH, word * 4 + bytes([0, 0, at >> 8, at & 255])).raw) for at in range(count)
    )


def test_head_is_cosigned_when_the_log_only_grew(witness: Program) -> None:
    tree = grown(300)
    for old, size in ((0, 5), (5, 5), (5, 256), (256, 300)):
        reply = witness.ask(old, tree, size=size)
        assert reply.status_code == 200, reply.text
        head = Checkpoint(origin=ORIGIN, size=size, root=tree.root(size))
        note = signed_checkpoint(head, LOG).with_signatures(parse_signatures(reply.text))
        assert witness.verifier.verify(note) is not None
    kept = parse_note(httpx.get(f"{witness.url}/head/{ORIGIN}").content)
    assert kept.text.split("\n")[1] == "300"


def test_size_is_answered_when_the_proof_begins_elsewhere(witness: Program) -> None:
    tree = grown(20)
    assert witness.ask(0, tree, size=7).status_code == 200
    reply = witness.ask(0, tree)
    assert (reply.status_code, reply.text) == (409, "7\n")
    assert reply.headers["content-type"].startswith("text/x.tlog.size")


def test_second_history_is_refused_when_the_witness_signed_the_first(witness: Program) -> None:
    assert witness.ask(0, grown(10)).status_code == 200
    forged = grown(12, word=b"b")
    assert witness.ask(10, forged).status_code == 422
    assert witness.ask(10, grown(10, word=b"b")).status_code == 409


def test_rewind_is_refused_when_the_witness_signed_more(witness: Program) -> None:
    tree = grown(10)
    assert witness.ask(0, tree).status_code == 200
    assert witness.ask(10, tree, size=9).status_code == 400
    assert witness.ask(9, tree, size=9).status_code == 409


def test_fork_is_refused_when_the_witness_was_killed_in_between(witness: Program) -> None:
    assert witness.ask(0, grown(10)).status_code == 200
    key = witness.verifier
    witness.kill()
    witness.start()
    assert witness.verifier == key
    assert witness.ask(0, grown(12, word=b"b")).status_code == 409
    assert witness.ask(10, grown(12, word=b"b")).status_code == 422
    assert witness.ask(10, grown(12)).status_code == 200


def test_stranger_is_refused_when_the_log_is_unknown_or_the_key_is(witness: Program) -> None:
    tree = grown(3)
    assert witness.ask(0, tree, signer=NoteSigner("another.example/log", b"\x05" * 32)).status_code == 404
    assert witness.ask(0, tree, signer=NoteSigner(ORIGIN, b"\x06" * 32)).status_code == 403


@pytest.mark.parametrize("change", ["old", "proof", "empty", "many"])
def test_request_is_refused_when_it_is_malformed(witness: Program, change: str) -> None:
    tree = grown(3)
    note = signed_checkpoint(Checkpoint(origin=ORIGIN, size=3, root=tree.root()), LOG)
    lines = {
        "old": "old 00\n\n",
        "proof": "old 0\n!!\n\n",
        "empty": "",
        "many": "old 0\n" + (base64.b64encode(bytes(32)).decode() + "\n") * 64 + "\n",
    }
    reply = httpx.post(f"{witness.url}/add-checkpoint", content=lines[change].encode() + note.raw)
    assert reply.status_code == 400


def test_two_programs_never_sign_two_heads_of_one_size_when_asked_at_once(witness: Program) -> None:
    """Many requests for different histories of one size: exactly one of them is signed."""
    from concurrent.futures import ThreadPoolExecutor

    stories = [grown(9, word=bytes([0x61 + at])) for at in range(8)]
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda tree: witness.ask(0, tree).status_code, stories))
    assert codes.count(200) == 1
    assert set(codes) == {200, 409}


def test_key_file_is_its_owners_alone_when_it_is_made(witness: Program, tmp_path: Path) -> None:
    path = tmp_path / "state" / "witness.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert re.fullmatch("[0-9a-f]{64}\n", path.read_text())
