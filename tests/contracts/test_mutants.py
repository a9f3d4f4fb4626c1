"""Known-bad controls (protocol 5 to 8): with a guard removed from a contract, the tests that stand for it must fail."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contracts.mutation import CONTRACTS, Change, copied, run_tests

pytestmark = pytest.mark.campaign


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A guard (text of a source file, found exactly once), what replaces it, and a test that must notice."""

    source: str
    guard: str
    without: str
    noticed_by: str

    def change(self) -> Change:
        """Where the guard stands, and what replaces it."""
        text = (CONTRACTS / "src" / self.source).read_text()
        assert text.count(self.guard) == 1, f"the guard moved: {self.guard}"
        return Change(source=self.source, at=text.index(self.guard), before=self.guard, after=self.without)


MUTANTS: dict[str, Mutant] = {
    "an offer is oversold": Mutant(
        source="CapacityLease.sol", guard="_requireRoomInOffer(made, terms, live);", without="",
        noticed_by="LeasingInvariants",
    ),
    "a lease begins before its lessee is on the roster": Mutant(
        source="CapacityLease.sol", guard="_requireOnRoster(made.lesseeId, made.firstSlot);", without="",
        noticed_by="CapacityLeaseTest",
    ),
    "a lease begins before its owner is on the roster": Mutant(
        source="CapacityLease.sol", guard="_requireOnRoster(made.ownerId, made.firstSlot);", without="",
        noticed_by="CapacityLeaseTest",
    ),
    "a station is oversold": Mutant(
        source="CapacityLease.sol", guard="_requireRoomInStation(terms, spec, offerableBp);", without="",
        noticed_by="LeasingInvariants",
    ),
    "the peak of a day's later window is not looked at": Mutant(
        source="libraries/Peak.sol", guard="if (differ) _lookWeekly(worst, asked, others, room, asked.window.dayFirst);",
        without="differ;", noticed_by="PeakTest",
    ),
    "the log forks": Mutant(
        source="AnchorLog.sol", guard="_requireConsistent(live.root, oldSize, newSize, root, proof);", without="",
        noticed_by="AnchoringInvariants",
    ),
    "money appears": Mutant(
        source="SettlementLedger.sol", guard="if (sum != 0) revert StatementNotZeroSum(day, sum);", without="",
        noticed_by="SettlementLedgerTest",
    ),
    "a frozen signer proves": Mutant(
        source="AnchorLog.sol", guard="entryIndex >= freeze.size", without="entryIndex > type(uint48).max - 1",
        noticed_by="AnchorLogTest",
    ),
    "a station is rated below its live offers": Mutant(
        source="AllianceRegistry.sol", guard="ICapacityLease(books[i]).requireFits(stationId, spec);", without="books[i];",
        noticed_by="LeasingInvariants",
    ),
    "an amended lease keeps its room too": Mutant(
        source="CapacityLease.sol", guard="        _end(leaseId, firstSlot, 0, 0);\n", without="", noticed_by="CapacityLeaseTest",
    ),
    "who joins later votes": Mutant(
        source="Charter.sol",
        guard="if (registry.onRosterSince(memberId) > made.rosterVersion) revert CharterNotElector(id, memberId);",
        without="made;", noticed_by="CharterTest",
    ),
    "a member votes twice": Mutant(
        source="Charter.sol",
        guard="if (before != Ballot.None) revert CharterAlreadyVoted(id, memberId, before);", without="before;",
        noticed_by="CharterTest",
    ),
    "objections do not count": Mutant(
        source="Charter.sol", guard="if (!_rules.suffices(made)) {", without="if (made.electorate == 0) {",
        noticed_by="CharterTest",
    ),
    "a rule changes the past": Mutant(
        source="libraries/Rulebook.sol", guard="if (fromDay <= today) revert ICharter.RuleNotInFuture(fromDay, today);",
        without="today;", noticed_by="CharterTest",
    ),
    "anybody writes the rulebook": Mutant(
        source="Charter.sol", guard="if (msg.sender != address(this)) revert CharterNotItself(msg.sender);", without="",
        noticed_by="CharterTest",
    ),
    "the admitter suspends": Mutant(
        source="AllianceRegistry.sol", guard="function suspend(address member) external onlyRole(ADMIN) {",
        without="function suspend(address member) external onlyRole(ADMITTER) {", noticed_by="AllianceRegistryTest",
    ),
    "a member leaves unpaid": Mutant(
        source="AllianceRegistry.sol", guard="        _obligations.requireCleared(number);\n", without="",
        noticed_by="AllianceRegistryTest",
    ),
    "the last administrator gives up": Mutant(
        source="AllianceRegistry.sol",
        guard="if (revoked && role == ADMIN && --_adminCount == 0) revert LastAdministrator(account);", without="",
        noticed_by="AllianceRegistryTest",
    ),
    "an owner attests": Mutant(
        source="DeviceRegistry.sol",
        guard="if (msg.sender == identityOwner(device_)) revert OwnerIsAttestor(device_, msg.sender);", without="",
        noticed_by="DeviceRegistryTest",
    ),
    # ---- the ledger: sums, who moves them, rosters, order ----
    "a statement may make money": Mutant(
        source="SettlementLedger.sol", guard="if (sum != 0) revert StatementNotZeroSum(day, sum);", without="sum;",
        noticed_by="SettlingInvariants",
    ),
    "the pool keeps money overnight": Mutant(
        source="SettlementLedger.sol", guard="if (left != 0) revert StatementPoolNotEmpty(day, left);", without="left; day;",
        noticed_by="SettlingInvariants",
    ),
    "part of a roster is settled": Mutant(
        source="SettlementLedger.sol", guard="if (want != got) revert StatementRosterWrong(day, want, got);", without="want; got;",
        noticed_by="SettlingInvariants",
    ),
    "anybody posts": Mutant(
        source="SettlementLedger.sol", guard="        _requireSettler();\n", without="", noticed_by="SettlingInvariants",
    ),
    "anybody judges": Mutant(
        source="SettlementLedger.sol",
        guard="if (!isCourt(msg.sender)) revert StatementNotCourt(msg.sender);\n        book = _requireStanding(day);",
        without="book = _requireStanding(day);", noticed_by="SettlingInvariants",
    ),
    "a court judges a final day": Mutant(
        source="SettlementLedger.sol",
        guard="        book = _requireStanding(day);\n        _requireOpen(book, day);",
        without="        book = _requireStanding(day);", noticed_by="SettlingInvariants",
    ),
    "a final day is corrected": Mutant(
        source="SettlementLedger.sol", guard="else if (book.version != book.voidedUpTo) _requireOpen(book, day);", without="",
        noticed_by="SettlingInvariants",
    ),
    "a version is posted again": Mutant(
        source="SettlementLedger.sol",
        guard="if (version != book.version + 1) revert StatementVersionWrong(day, book.version + 1, version);", without="",
        noticed_by="SettlingInvariants",
    ),
    "a day is left out": Mutant(
        source="SettlementLedger.sol", guard="if (day != nextDay) revert StatementDayWrong(nextDay, day);", without="",
        noticed_by="SettlingInvariants",
    ),
    "a verdict moves one account alone": Mutant(
        source="SettlementLedger.sol", guard="        _move(book, day, counterparty, -cents);\n", without="",
        noticed_by="SettlingInvariants",
    ),
    "a void day keeps its totals": Mutant(
        source="SettlementLedger.sol", guard="if (account != POOL_ACCOUNT) _totals[account] -= cents;", without="account; cents;",
        noticed_by="SettlingInvariants",
    ),
    "a void day keeps its balances": Mutant(
        source="SettlementLedger.sol", guard="            book.balancesCents[i] = 0;\n", without="",
        noticed_by="SettlingInvariants",
    ),
    "totals forget a correction": Mutant(
        source="SettlementLedger.sol", guard="if (account != POOL_ACCOUNT) _totals[account] += balancesCents[i];",
        without="account;", noticed_by="SettlingInvariants",
    ),
    "statements while paused": Mutant(
        source="SettlementLedger.sol", guard="        _requireRunning();\n", without="", noticed_by="SettlementLedgerTest",
    ),
    "a payment by a stranger": Mutant(
        source="SettlementLedger.sol", guard="revert PaymentNotByParty(memberId, msg.sender);", without="",
        noticed_by="SettlementLedgerTest",
    ),
    "a payment twice": Mutant(
        source="SettlementLedger.sol",
        guard="if (_payments[key] != 0) revert PaymentAlreadyRecorded(day, memberId, receiptHash);", without="",
        noticed_by="SettlementLedgerTest",
    ),
    # ---- the log ----
    "the log is rewound": Mutant(
        source="AnchorLog.sol", guard="if (newSize <= oldSize) revert LogNotGrowing(oldSize, newSize);", without="",
        noticed_by="AnchorLogTest",
    ),
    "an epoch is anchored twice or skipped": Mutant(
        source="AnchorLog.sol", guard="if (epoch != live.epoch + 1) revert LogEpochWrong(live.epoch + 1, epoch);", without="",
        noticed_by="AnchoringInvariants",
    ),
    "the log is extended from elsewhere": Mutant(
        source="AnchorLog.sol", guard="if (oldSize != live.size) revert LogSizeWrong(live.size, oldSize);", without="",
        noticed_by="AnchorLogTest",
    ),
    "anybody writes the log": Mutant(
        source="AnchorLog.sol",
        guard="        if (msg.sender != _state.writer) revert LogNotWriter(_state.writer, msg.sender);\n", without="",
        noticed_by="AnchoringInvariants",
    ),
    "anybody's signature writes the log": Mutant(
        source="AnchorLog.sol", guard="if (signer != _state.writer) revert LogNotWriter(_state.writer, signer);", without="signer;",
        noticed_by="AnchoringInvariants",
    ),
    "anybody names the writer": Mutant(
        source="AnchorLog.sol", guard="if (!registry.hasRole(ADMIN, msg.sender)) revert LogNotAdmin(msg.sender);", without="",
        noticed_by="AnchoringInvariants",
    ),
    # ---- keys ----
    "a lapsed key proves": Mutant(
        source="AnchorLog.sol", guard="if (!devices.isSigner(device, signer)) revert SignerNotValid(device, signer);", without="",
        noticed_by="KeyInvariants",
    ),
    "a frozen key proves what came later": Mutant(
        source="AnchorLog.sol", guard="entryIndex >= freeze.size", without="entryIndex > type(uint48).max - 1",
        noticed_by="KeyInvariants",
    ),
    "a compromised key is confirmed again": Mutant(
        source="DeviceRegistry.sol",
        guard="if (record.compromisedSince != 0) revert SignerCompromised(device_, key, record.compromisedSince - 1);",
        without="", noticed_by="KeyInvariants",
    ),
    "a lapsed key rotates": Mutant(
        source="DeviceRegistry.sol",
        guard="if (!isSigner(device_, outgoing)) revert SignerNotConfirmed(device_, outgoing);", without="",
        noticed_by="KeyInvariants",
    ),
    "a revoked key stays": Mutant(
        source="DeviceRegistry.sol",
        guard="if (record.validTo > block.timestamp) record.validTo = uint64(block.timestamp - 1);", without="",
        noticed_by="KeyInvariants",
    ),
    "anybody attests": Mutant(
        source="DeviceRegistry.sol",
        guard="if (!registry.hasRole(ATTESTOR, msg.sender)) revert AttestorMissingRole(msg.sender);", without="",
        noticed_by="KeyInvariants",
    ),
    # ---- the charter ----
    "no quorum is needed": Mutant(
        source="libraries/Tally.sol", guard="cast * FULL_BP >= uint256(made.electorate) * rules.quorumBp", without="cast > 0",
        noticed_by="CharterInvariants",
    ),
    "no majority is needed": Mutant(
        source="libraries/Tally.sol", guard="made.votesFor * FULL_BP > cast * rules.majorityBp", without="made.votesFor > 0",
        noticed_by="CharterInvariants",
    ),
    "no delay is needed": Mutant(
        source="Charter.sol",
        guard="if (block.timestamp < from) return ProposalState.Waiting;", without="", noticed_by="CharterInvariants",
    ),
    "another call is executed": Mutant(
        source="Charter.sol", guard="if (got != made.dataHash) revert CharterDataDiffers(id, made.dataHash, got);",
        without="got;", noticed_by="CharterInvariants",
    ),
    "it is executed twice": Mutant(
        source="Charter.sol", guard="        made.executed = true;\n", without="", noticed_by="CharterInvariants",
    ),
    "who joins later has a vote": Mutant(
        source="Charter.sol",
        guard="if (registry.onRosterSince(memberId) > made.rosterVersion) revert CharterNotElector(id, memberId);",
        without="made; id;", noticed_by="CharterInvariants",
    ),
    "a member has two votes": Mutant(
        source="Charter.sol",
        guard="if (before != Ballot.None) revert CharterAlreadyVoted(id, memberId, before);", without="before;",
        noticed_by="CharterInvariants",
    ),
    "a suspended member votes": Mutant(
        source="Charter.sol",
        guard="if (registry.memberStatus(msg.sender) != MemberStatus.Admitted) revert CharterNotAdmitted(msg.sender);",
        without="", noticed_by="CharterInvariants",
    ),
    "anybody cancels": Mutant(
        source="Charter.sol",
        guard="if (memberId != made.proposer) revert CharterNotProposer(id, made.proposer, memberId);", without="memberId;",
        noticed_by="CharterInvariants",
    ),
    # ---- the registry ----
    "one person settles and attests": Mutant(
        source="AllianceRegistry.sol", guard="            _requireSeparate(ATTESTOR, role, account);\n", without="",
        noticed_by="AllianceRegistryTest",
    ),
    "an owner confirms a change of its station": Mutant(
        source="AllianceRegistry.sol",
        guard="if (msg.sender == owner) revert StationConfirmedByOwner(stationId, owner);", without="",
        noticed_by="AllianceRegistryTest",
    ),
    "another change is confirmed": Mutant(
        source="AllianceRegistry.sol",
        guard="if (got != record.asked) revert StationChangeDiffers(stationId, record.asked, got);", without="got;",
        noticed_by="AllianceRegistryTest",
    ),
    # ---- going live ----
    "a station goes live without a safety agreement": Mutant(
        source="DeviceRegistry.sol", guard="if (registry.safetyAgreement(station) == 0) revert StationWithoutSafety(station);",
        without="", noticed_by="DeviceRegistryTest",
    ),
    "a meter that was taken away still counts": Mutant(
        source="DeviceRegistry.sol",
        guard="if (before.kind != 0 && before.toTime == 0) --metersOf[before.station][before.kind];", without="before;",
        noticed_by="DeviceRegistryTest",
    ),
    "an offer of a station that nothing measures": Mutant(
        source="Charter.sol",
        guard="today.requireMetered(stationType, devices.metersOf(terms.stationId, today.metering));", without="devices;",
        noticed_by="CharterTest",
    ),
    # ---- leases ----
    "an offer without a safety agreement": Mutant(
        source="CapacityLease.sol",
        guard="if (registry.safetyAgreement(terms.stationId) == 0) revert OfferWithoutSafety(terms.stationId);", without="",
        noticed_by="CapacityLeaseTest",
    ),
    "capacity is sublet": Mutant(
        source="CapacityLease.sol", guard="        _requireNoSublet(terms.stationId);\n", without="",
        noticed_by="CapacityLeaseTest",
    ),
    "a withdrawn offer is accepted": Mutant(
        source="CapacityLease.sol",
        guard="        OfferRecord storage record = _requireOffer(offerId);\n        if (record.withdrawn) revert OfferAlreadyWithdrawn(offerId);\n        OfferTerms",
        without="        _requireOffer(offerId);\n        OfferTerms", noticed_by="CapacityLeaseTest",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_tests_fail_when_a_guard_is_removed(name: str, tmp_path: Path) -> None:
    mutant = MUTANTS[name]
    place = copied(tmp_path, [mutant.noticed_by])
    file = place / "src" / mutant.source
    file.write_text(mutant.change().applied(file.read_text()))
    outcome = run_tests(place, [mutant.noticed_by])
    assert outcome.compiled, "without its guard it must still be a program"
    assert outcome.failed


@pytest.mark.parametrize("suite", sorted({mutant.noticed_by for mutant in MUTANTS.values()}))
def test_tests_pass_when_no_guard_is_removed(suite: str, tmp_path: Path) -> None:
    outcome = run_tests(copied(tmp_path, [suite]), [suite])
    assert outcome.compiled
    assert outcome.failed == ()
    assert outcome.passed > 1
