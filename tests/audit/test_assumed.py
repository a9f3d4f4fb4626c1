"""Protocol 3.6, 11.3: an audit that assumes signers and proves them later finds what one that recovers each finds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from alliance.calendar import day_of
from alliance.segment import SignedSegment
from audit import auditor
from audit.auditor import Asked, audit_facts
from audit.verdict import Outcome, Report
from oracle import signers
from oracle.hashing import sha256
from oracle.segment import SealedSegment
from oracle.signature import SecpSigner
from simulation.span import BlockFile, Shape, Span

FIRST = day_of("2026-07-10")
SHAPE = Shape(first=FIRST, days=1, stations=2)
EPOCH = FIRST.first_slot + 40
OTHER = SecpSigner(sha256(b"somebody else"))


def _other_point(one: SignedSegment) -> SignedSegment:
    raw = one.signature
    return replace(one, signature=raw[:32] + bytes([raw[32] ^ 0x80]) + raw[33:])


def _stranger(one: SignedSegment) -> SignedSegment:
    return replace(one, signature=OTHER.sign(one.digest))


def _malformed(one: SignedSegment) -> SignedSegment:
    return replace(one, signature=bytes(64))


class Forged(Span):
    """A span in which one segment of one channel is signed as a forger would."""

    forge: Callable[[SignedSegment], SignedSegment] = staticmethod(_stranger)

    def _segment(self, epoch, number, box, channel) -> SealedSegment:
        made = super()._segment(epoch, number, box, channel)
        if (epoch, number, channel) != (EPOCH, 2, 1):
            return made
        return replace(made, signed=type(self).forge(made.signed))


def audited(folder: Path, kind: type[Span], **asked) -> Report:
    blocks = BlockFile(folder / "blocks")
    facts = kind(SHAPE, blocks).run()
    return audit_facts(facts, lambda: blocks, [FIRST], asked=Asked(**asked))


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("forge", [_other_point, _stranger, _malformed])
@pytest.mark.parametrize("singly", [signers.SINGLY, 10_000])
def test_forged_signature_is_found_alike_when_signers_are_assumed_and_when_each_is_recovered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forge, every: bool, singly: int
) -> None:
    monkeypatch.setattr(signers, "SINGLY", singly)
    monkeypatch.setattr(Forged, "forge", staticmethod(forge))
    walks = []
    walk = auditor._Audit._walk
    monkeypatch.setattr(auditor._Audit, "_walk", lambda self, *a: walks.append(a[-1]) or walk(self, *a))
    (tmp_path / "assumed").mkdir()
    assumed = audited(tmp_path / "assumed", Forged, every=every)
    assert [one is None for one in walks] == [False, True]
    monkeypatch.setattr(auditor, "Signers", lambda trusted: None)
    (tmp_path / "recovered").mkdir()
    recovered = audited(tmp_path / "recovered", Forged, every=every)
    assert recovered.outcome is Outcome.FAIL
    assert assumed == recovered


def test_audit_walks_once_when_every_signer_is_proved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proved = []
    hold = signers.Signers._hold
    monkeypatch.setattr(
        signers.Signers, "_hold", lambda self, pending: proved.append(len(pending)) or hold(self, pending)
    )
    report = audited(tmp_path, Span)
    assert report.outcome is Outcome.PASS, report.found or report.unread
    assert proved == [report.counts.segments - 2]
