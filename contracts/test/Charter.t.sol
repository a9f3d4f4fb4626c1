// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {Charter} from "../src/Charter.sol";
import {IAllianceRegistry} from "../src/interfaces/IAllianceRegistry.sol";
import {ICapacityLease} from "../src/interfaces/ICapacityLease.sol";
import {ICharter} from "../src/interfaces/ICharter.sol";
import {Calendar} from "../src/libraries/Calendar.sol";
import {CAPACITY_LEASE} from "../src/types/Contracts.sol";
import {OfferTerms} from "../src/types/Lease.sol";
import {Ballot, Proposal, ProposalState, VotingRules} from "../src/types/Proposal.sol";
import {ADMIN, ADMITTER, GUARDIAN, SETTLER} from "../src/types/Roles.sol";
import {FEE_BP, LOSS_PPM, Mechanism, TARIFF_PACK} from "../src/types/Rule.sol";
import {Alliance} from "./Alliance.sol";

contract CharterTest is Alliance {
    bytes private call;
    uint256 private id;

    function setUp() public {
        deploy();
        admitMembers(5);
        call = abi.encodeCall(IAccessControl.grantRole, (GUARDIAN, address(9)));
        vm.prank(member(1));
        id = charter.propose(address(registry), call, keccak256("why"));
    }

    function vote(uint256 who, bool inFavour) private {
        vm.prank(member(who));
        charter.vote(id, inFavour);
    }

    function object(uint256 who) private {
        vm.prank(member(who));
        charter.object(id);
    }

    function requireState(ProposalState want) private view {
        vm.assertEq(uint256(charter.stateOf(id)), uint256(want), "state");
    }

    function today() private view returns (uint32) {
        return Calendar.dayAt(block.timestamp);
    }

    // ---- deciding ----

    function test_callIsMade_whenMoreThanHalfAgreedAndTheDelayPassed() external {
        vote(1, true);
        vote(2, true);
        requireState(ProposalState.Voting);
        vote(3, true); // 3 of 5: the other two cannot change it
        requireState(ProposalState.Waiting);
        vm.assertEq(charter.executableFrom(id), block.timestamp + CHARTER_DELAY, "from");
        vm.warp(block.timestamp + CHARTER_DELAY);
        vm.prank(address(0xBEEF)); // anyone
        charter.execute(id, call);
        vm.assertTrue(registry.hasRole(GUARDIAN, address(9)), "granted");
        requireState(ProposalState.Executed);
        vm.expectPartialRevert(ICharter.CharterWrongState.selector);
        charter.execute(id, call);
    }

    function test_majorityOfThoseWhoVotedDecides_whenTheVotingEnds() external {
        vote(1, true);
        vote(2, true);
        vote(3, false); // 3 of 5 voted, 2 of 3 in favour
        vm.warp(block.timestamp + CHARTER_VOTING - 1);
        requireState(ProposalState.Voting);
        vm.warp(block.timestamp + 1);
        requireState(ProposalState.Waiting);
        vm.prank(member(4));
        vm.expectPartialRevert(ICharter.CharterWrongState.selector);
        charter.vote(id, false);
        vm.warp(block.timestamp + CHARTER_DELAY);
        charter.execute(id, call);
    }

    function test_itIsRejected_whenTooFewVoted() external {
        vote(1, true);
        vote(2, true); // 2 of 5 are less than half
        vm.warp(block.timestamp + CHARTER_VOTING);
        requireState(ProposalState.Rejected);
        vm.expectPartialRevert(ICharter.CharterWrongState.selector);
        charter.execute(id, call);
    }

    function test_itIsRejected_whenVotesAreEven() external {
        vote(1, true);
        vote(2, true);
        vote(3, false);
        vote(4, false);
        vm.warp(block.timestamp + CHARTER_VOTING);
        requireState(ProposalState.Rejected);
    }

    function test_nobodyDecidesAlone_howeverFewTheMembersAre() external {
        for (uint256 i = 2; i <= 5; ++i) {
            vm.prank(member(i));
            registry.announceLeaving();
        }
        vm.prank(member(1));
        id = charter.propose(address(registry), call, 0);
        vote(1, true);
        vm.warp(block.timestamp + CHARTER_VOTING);
        requireState(ProposalState.Rejected);
    }

    function test_voteCountsOnce() external {
        vote(2, false);
        vm.prank(member(2));
        vm.expectRevert(abi.encodeWithSelector(ICharter.CharterAlreadyVoted.selector, id, 2, Ballot.Against));
        charter.vote(id, true);
        vm.assertEq(charter.proposal(id).votesAgainst, 1, "against");
    }

    function test_whoJoinsLaterHasNoVote() external {
        vm.prank(member(6));
        registry.applyForMembership("papers");
        vm.prank(admitter);
        registry.admit(member(6));
        vm.prank(member(6));
        vm.expectRevert(abi.encodeWithSelector(ICharter.CharterNotElector.selector, id, 6));
        charter.vote(id, true);
        vm.assertEq(charter.proposal(id).electorate, 5, "the electorate is as it was");
        vm.prank(member(6));
        uint256 second = charter.propose(address(registry), call, 0);
        vm.prank(member(6));
        charter.vote(second, true);
    }

    function test_memberMovedToAnotherAccountKeepsItsOneVote() external {
        vote(2, true);
        uint256 first = id;
        decideBy(address(registry), abi.encodeCall(IAllianceRegistry.moveMember, (2, address(0x77))));
        vm.prank(address(0x77));
        vm.expectPartialRevert(ICharter.CharterWrongState.selector); // its voting is over
        charter.vote(first, true);
        vm.prank(member(1));
        id = charter.propose(address(registry), call, 0);
        vm.prank(member(2));
        vm.expectRevert(abi.encodeWithSelector(ICharter.CharterNotAdmitted.selector, member(2)));
        charter.vote(id, true);
        vm.prank(address(0x77));
        charter.vote(id, true);
        vm.assertEq(uint256(charter.ballotOf(id, 2)), uint256(Ballot.For), "ballot");
    }

    /// @dev Members 3, 4 and 5 decide a call, leaving `id` alone.
    function decideBy(address target, bytes memory data) private {
        vm.prank(member(3));
        uint256 other = charter.propose(target, data, 0);
        for (uint256 i = 3; i <= 5; ++i) {
            vm.prank(member(i));
            charter.vote(other, true);
        }
        vm.warp(block.timestamp + CHARTER_VOTING + CHARTER_DELAY);
        charter.execute(other, data);
    }

    function test_objectionsCancel_whenTheVotesSoCountedDoNotSuffice() external {
        for (uint256 i = 1; i <= 3; ++i) vote(i, true);
        object(4);
        requireState(ProposalState.Waiting); // 3 to 1
        vm.prank(member(4));
        vm.expectRevert(abi.encodeWithSelector(ICharter.CharterAlreadyVoted.selector, id, 4, Ballot.Objected));
        charter.object(id);
        object(3); // who voted for it: 2 to 2
        requireState(ProposalState.Cancelled);
        vm.warp(block.timestamp + CHARTER_DELAY);
        vm.expectPartialRevert(ICharter.CharterWrongState.selector);
        charter.execute(id, call);
    }

    function test_objectionsCancel_whenAcceptedByTheEndOfVoting() external {
        vote(1, true);
        vote(2, true);
        vote(3, false);
        vm.warp(block.timestamp + CHARTER_VOTING + CHARTER_DELAY);
        requireState(ProposalState.Executable);
        object(3); // already against: nothing changes
        requireState(ProposalState.Executable);
        object(4);
        requireState(ProposalState.Cancelled);
    }

    function test_minorityCannotBlock_whatTheMajorityWants() external {
        for (uint256 i = 1; i <= 3; ++i) vote(i, true);
        object(4);
        object(5);
        requireState(ProposalState.Waiting); // 3 to 2
        vm.warp(block.timestamp + CHARTER_DELAY);
        charter.execute(id, call);
    }

    function test_proposerCancels_onlyBeforeAcceptance() external {
        vm.prank(member(2));
        vm.expectRevert(abi.encodeWithSelector(ICharter.CharterNotProposer.selector, id, 1, 2));
        charter.cancel(id);
        vm.prank(member(1));
        charter.cancel(id);
        requireState(ProposalState.Cancelled);
        vm.prank(member(1));
        id = charter.propose(address(registry), call, 0);
        for (uint256 i = 1; i <= 3; ++i) vote(i, true);
        vm.prank(member(1));
        vm.expectPartialRevert(ICharter.CharterWrongState.selector);
        charter.cancel(id);
    }

    function test_executeReverts_tooEarly_lapsed_orWithOtherData() external {
        for (uint256 i = 1; i <= 3; ++i) vote(i, true);
        vm.warp(block.timestamp + CHARTER_DELAY - 1);
        vm.expectRevert(
            abi.encodeWithSelector(ICharter.CharterTooEarly.selector, id, block.timestamp + 1, block.timestamp)
        );
        charter.execute(id, call);
        vm.warp(block.timestamp + 1);
        vm.expectPartialRevert(ICharter.CharterDataDiffers.selector);
        charter.execute(id, abi.encodeCall(IAccessControl.grantRole, (GUARDIAN, address(10))));
        vm.warp(block.timestamp + CHARTER_GRACE);
        requireState(ProposalState.Lapsed);
        vm.expectPartialRevert(ICharter.CharterWrongState.selector);
        charter.execute(id, call);
    }

    function test_executeReverts_whenTheCallFails_andMayBeTriedAgain() external {
        bytes memory forbidden = abi.encodeCall(IAllianceRegistry.addContract, ("role", address(0)));
        uint256 failing = accepted(address(registry), forbidden);
        vm.expectPartialRevert(ICharter.CharterCallFailed.selector);
        charter.execute(failing, forbidden);
        vm.assertEq(uint256(charter.stateOf(failing)), uint256(ProposalState.Executable), "state");
    }

    function test_outsidersAndSuspendedMembersDoNothing() external {
        decideBy(address(registry), abi.encodeCall(IAllianceRegistry.suspend, (member(2))));
        address[2] memory outsiders = [deployer, member(2)];
        for (uint256 i = 0; i < outsiders.length; ++i) {
            vm.startPrank(outsiders[i]);
            bytes memory denied = abi.encodeWithSelector(ICharter.CharterNotAdmitted.selector, outsiders[i]);
            vm.expectRevert(denied);
            charter.propose(address(registry), call, 0);
            vm.stopPrank();
        }
        vm.prank(member(1));
        id = charter.propose(address(registry), call, 0);
        vm.prank(member(2));
        vm.expectPartialRevert(ICharter.CharterNotAdmitted.selector);
        charter.vote(id, true);
        vm.prank(member(1));
        vm.expectPartialRevert(ICharter.CharterTargetMissing.selector);
        charter.propose(address(0), call, 0);
    }

    function test_suspendedAndReinstatedMemberHasNoVote_onWhatBeganBefore() external {
        vm.prank(member(1));
        uint256 long = charter.propose(address(registry), call, 0);
        uint256 suspension = proposeBy(3, address(registry), abi.encodeCall(IAllianceRegistry.suspend, (member(2))));
        uint256 reinstating = proposeBy(3, address(registry), abi.encodeCall(IAllianceRegistry.reinstate, (member(2))));
        vm.warp(block.timestamp + CHARTER_DELAY);
        charter.execute(suspension, abi.encodeCall(IAllianceRegistry.suspend, (member(2))));
        charter.execute(reinstating, abi.encodeCall(IAllianceRegistry.reinstate, (member(2))));
        vm.prank(member(2));
        vm.expectRevert(abi.encodeWithSelector(ICharter.CharterNotElector.selector, long, 2));
        charter.vote(long, true);
    }

    function proposeBy(uint256 first, address target, bytes memory data) private returns (uint256 made) {
        vm.prank(member(first));
        made = charter.propose(target, data, 0);
        for (uint256 i = first; i < first + 3; ++i) {
            vm.prank(member(i));
            charter.vote(made, true);
        }
    }

    function test_deploymentRefuses_rulesThatDoNotDecide() external {
        VotingRules memory wrong = votingRules();
        wrong.votingSeconds = 1 hours - 1;
        refuseRules(wrong, ICharter.CharterTimeOutOfRange.selector);
        wrong = votingRules();
        wrong.delaySeconds = 31 days;
        refuseRules(wrong, ICharter.CharterTimeOutOfRange.selector);
        wrong = votingRules();
        wrong.graceSeconds = 0;
        refuseRules(wrong, ICharter.CharterTimeOutOfRange.selector);
        wrong = votingRules();
        wrong.quorumBp = 2499;
        refuseRules(wrong, ICharter.CharterShareOutOfRange.selector);
        wrong.quorumBp = 10_001;
        refuseRules(wrong, ICharter.CharterShareOutOfRange.selector);
        wrong = votingRules();
        wrong.majorityBp = 4999;
        refuseRules(wrong, ICharter.CharterShareOutOfRange.selector);
        wrong.majorityBp = 9001;
        refuseRules(wrong, ICharter.CharterShareOutOfRange.selector);
    }

    function refuseRules(VotingRules memory wrong, bytes4 why) private {
        vm.expectPartialRevert(why);
        new Charter(registry, wrong);
    }

    /// @dev The tally against its definition in whole numbers, for any votes of any electorate.
    function testFuzz_acceptanceIsTheDefinition(uint8[9] calldata choices, uint256 noise) external {
        uint256 voters = bound(noise, 2, 9);
        setUpMembers(voters);
        (uint256 inFavour, uint256 against) = (0, 0);
        for (uint256 i = 0; i < voters; ++i) {
            uint256 choice = choices[i] % 3;
            if (choice == 0) continue;
            if (charter.stateOf(id) != ProposalState.Voting) break;
            vote(i + 1, choice == 1);
            if (choice == 1) ++inFavour;
            else ++against;
        }
        vm.warp(block.timestamp + CHARTER_VOTING);
        bool want = inFavour >= 2 && 2 * (inFavour + against) >= voters && inFavour > against;
        vm.assertTrue((charter.stateOf(id) == ProposalState.Waiting
                    || charter.stateOf(id) == ProposalState.Executable) == want, "accepted");
    }

    function setUpMembers(uint256 count) private {
        deploy();
        admitMembers(count);
        vm.prank(member(1));
        id = charter.propose(address(registry), call, 0);
    }

    // ---- the rulebook ----

    function test_valuesHoldFromTheirDay_andNeverBefore() external {
        uint32 day = today() + 3;
        (bool known,) = charter.feeBpAt(day);
        vm.assertFalse(known, "nothing was decided");
        decide(address(charter), abi.encodeCall(ICharter.setValue, (FEE_BP, day, 500)));
        (known,) = charter.feeBpAt(day - 1);
        vm.assertFalse(known, "not before");
        requireFee(day, 500);
        requireFee(day + 1000, 500);
        decide(address(charter), abi.encodeCall(ICharter.setValue, (FEE_BP, day + 30, 400)));
        decide(address(charter), abi.encodeCall(ICharter.setValue, (FEE_BP, day + 20, 300)));
        requireFee(day + 19, 500);
        requireFee(day + 20, 300);
        requireFee(day + 30, 300); // the newest decision replaces what was decided for later days
    }

    function requireFee(uint32 day, uint256 want) private view {
        (bool known, uint256 feeBp) = charter.feeBpAt(day);
        vm.assertTrue(known, "known");
        vm.assertEq(feeBp, want, "fee");
    }

    function test_valueRefuses_todayOrThePast_tooMuchOrUnknown() external {
        requireCallFails(abi.encodeCall(ICharter.setValue, (FEE_BP, today() + 1, 1)), ICharter.RuleNotInFuture.selector);
        uint32 day = today() + 60;
        requireCallFails(abi.encodeCall(ICharter.setValue, (FEE_BP, day, 10_001)), ICharter.RuleTooLarge.selector);
        requireCallFails(abi.encodeCall(ICharter.setValue, (LOSS_PPM, day, 1_000_001)), ICharter.RuleTooLarge.selector);
        requireCallFails(abi.encodeCall(ICharter.setValue, ("other", day, 1)), ICharter.RuleUnknown.selector);
    }

    /// @dev Accepted and then failing, the delay of one day having passed.
    function requireCallFails(bytes memory data, bytes4 why) private {
        uint256 failing = accepted(address(charter), data);
        try charter.execute(failing, data) {
            revert("it was executed");
        } catch (bytes memory reason) {
            vm.assertEq(bytes32(bytes4(reason)), bytes32(ICharter.CharterCallFailed.selector), "charter");
            bytes4 inner;
            for (uint256 i = 0; i < 4; ++i) inner |= bytes4(reason[100 + i]) >> (8 * i);
            vm.assertEq(bytes32(inner), bytes32(why), "why");
        }
    }

    function test_packsSuccessorsAndMechanismsHoldFromTheirDay() external {
        uint32 day = today() + 30;
        decide(address(charter), abi.encodeCall(ICharter.setPack, (TARIFF_PACK, day, keccak256("pack"))));
        decide(address(charter), abi.encodeCall(ICharter.setSuccessor, (CAPACITY_LEASE, day, address(5))));
        decide(address(charter), abi.encodeCall(ICharter.setMechanism, (4, day, mechanism())));
        vm.assertEq(charter.packAt(TARIFF_PACK, day - 1), 0, "no pack yet");
        vm.assertEq(charter.packAt(TARIFF_PACK, day), keccak256("pack"), "pack");
        vm.assertEq(charter.successorAt(CAPACITY_LEASE, day), address(5), "successor");
        vm.assertEq(charter.successorAt(CAPACITY_LEASE, day - 1), address(0), "none yet");
        vm.assertEq(charter.mechanismAt(4, day - 1).priority, 0, "no mechanism yet");
        vm.assertEq(charter.mechanismAt(4, day).offerableBp, 6000, "mechanism");
        vm.assertEq(charter.mechanismAt(3, day).priority, 0, "of that type alone");
    }

    /// @dev The rulebook against its definition: what was decided last for a day or an earlier one.
    function testFuzz_rulebookIsTheDefinition(uint16[8] calldata ahead, uint32 asked) external {
        uint32[8] memory days_;
        for (uint256 i = 0; i < 8; ++i) {
            vm.warp(block.timestamp + 1 days);
            days_[i] = today() + 1 + ahead[i] % 40;
            vm.prank(address(charter));
            charter.setValue(FEE_BP, days_[i], i);
        }
        uint32 day = uint32(bound(asked, today() - 9, today() + 60));
        (bool want, uint256 value) = (false, 0);
        for (uint256 i = 0; i < 8; ++i) if (days_[i] <= day) (want, value) = (true, i);
        (bool known, uint256 found) = charter.feeBpAt(day);
        vm.assertTrue(known == want, "known");
        vm.assertEq(found, value, "value");
    }

    function test_onlyTheCharterItselfWritesTheRulebook() external {
        address[4] memory callers = [deployer, guardian, member(1), admitter];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.startPrank(callers[i]);
            bytes memory denied = abi.encodeWithSelector(ICharter.CharterNotItself.selector, callers[i]);
            vm.expectRevert(denied);
            charter.setValue(FEE_BP, today() + 1, 1);
            vm.expectRevert(denied);
            charter.setPack(TARIFF_PACK, today() + 1, 0);
            vm.expectRevert(denied);
            charter.setSuccessor(CAPACITY_LEASE, today() + 1, callers[i]);
            vm.expectRevert(denied);
            charter.setMechanism(4, today() + 1, mechanism());
            vm.stopPrank();
        }
    }

    // ---- mechanisms by type of station (C16) ----

    /// @dev A third party's station: 60 % of it, rent alone, at most 200 yuan per kW and year, a year at most.
    function mechanism() private pure returns (Mechanism memory) {
        return Mechanism({
            priority: 2,
            metering: 2,
            priceRule: 1,
            offerableBp: 6000,
            maxRentCentsPerKwYear: 20_000,
            minSlaBp: 9500,
            maxTermSlots: 35_040
        });
    }

    function test_offerKeepsToItsTypesMechanism() external {
        uint32 station = registerStation(member(1));
        decide(address(charter), abi.encodeCall(ICharter.setMechanism, (4, today() + 2, mechanism())));
        vm.warp(block.timestamp + 2 days);
        OfferTerms memory terms = offerTerms(station);
        (terms.powerW, terms.energyWh, terms.handoverWh, terms.wearPrice) = (600_000, 1_200_000, 0, 0);
        vm.prank(member(1));
        vm.expectRevert(
            abi.encodeWithSelector(ICharter.OfferOutsideMechanism.selector, 4, bytes32("metering"), 0, 2)
        );
        leases.offer(terms);
        enrolDevice(station);
        bind(station, 1, 1, 0); // its connection alone is not what the mechanism asks for
        refuse(terms, ICharter.OfferOutsideMechanism.selector);
        bind(station, 2, 2, uint64(block.timestamp + 1 days)); // a binding that ends does not count
        refuse(terms, ICharter.OfferOutsideMechanism.selector);
        bind(station, 2, 2, 0);
        uint256 snapshot = terms.rentCentsPerKwYear;
        terms.rentCentsPerKwYear = 20_001;
        refuse(terms, ICharter.OfferOutsideMechanism.selector);
        (terms.rentCentsPerKwYear, terms.slaBp) = (uint64(snapshot), 9499);
        refuse(terms, ICharter.OfferOutsideMechanism.selector);
        (terms.slaBp, terms.termSlots) = (9500, 35_041);
        refuse(terms, ICharter.OfferOutsideMechanism.selector);
        (terms.termSlots, terms.wearPrice) = (960, -1);
        refuse(terms, ICharter.OfferOutsideMechanism.selector);
        (terms.wearPrice, terms.powerW) = (0, 600_001);
        refuse(terms, ICapacityLease.StationPowerOversold.selector);
        (terms.powerW, terms.energyWh) = (600_000, 1_200_001);
        refuse(terms, ICapacityLease.StationEnergyOversold.selector);
        terms.energyWh = 1_200_000;
        vm.prank(member(1));
        leases.offer(terms);
    }

    uint256 private constant DEVICE_KEY = 0xD1D1;

    function enrolDevice(uint32 station) private {
        address device = vm.addr(DEVICE_KEY);
        uint64 deadline = uint64(block.timestamp);
        bytes32 typeHash =
            keccak256("Enrol(address device,address owner,uint32 station,uint256 nonce,uint64 deadline)");
        bytes32 consent = keccak256(abi.encode(typeHash, device, member(1), station, uint256(0), deadline));
        bytes memory signature = signed64(DEVICE_KEY, digestOf(consent));
        vm.prank(member(1));
        devices.enrol(device, station, deadline, signature);
        vm.prank(attestor);
        devices.attest(device, 365 days);
    }

    function bind(uint32 station, uint16 channel, uint8 kind, uint64 toTime) private {
        vm.prank(attestor);
        devices.bindChannel(vm.addr(DEVICE_KEY), channel, kind, station, 0, toTime);
    }

    function refuse(OfferTerms memory terms, bytes4 why) private {
        vm.prank(member(1));
        vm.expectPartialRevert(why);
        leases.offer(terms);
    }

    function test_mechanismRefuses_unknownTypesAndEmptyParts() external {
        Mechanism memory wrong = mechanism();
        requireMechanismFails(0, wrong);
        requireMechanismFails(5, wrong);
        wrong.priority = 0;
        requireMechanismFails(4, wrong);
        wrong = mechanism();
        wrong.metering = 3;
        requireMechanismFails(4, wrong);
        wrong = mechanism();
        wrong.offerableBp = 10_001;
        requireMechanismFails(4, wrong);
        wrong = mechanism();
        wrong.maxTermSlots = 0;
        requireMechanismFails(4, wrong);
    }

    function requireMechanismFails(uint8 stationType, Mechanism memory wrong) private {
        uint32 day = today() + 9;
        vm.prank(address(charter));
        vm.expectPartialRevert(ICharter.MechanismWrong.selector);
        charter.setMechanism(stationType, day, wrong);
    }

    // ---- two people, at once ----

    function test_stolenRoleIsLostAtOnce_whenGuardianAndMemberAgree() external {
        vm.prank(guardian);
        charter.askRevocation(SETTLER, settler);
        vm.assertTrue(registry.hasRole(SETTLER, settler), "one alone does nothing");
        vm.prank(member(4));
        charter.confirmRevocation(SETTLER, settler);
        vm.assertFalse(registry.hasRole(SETTLER, settler), "lost");
        vm.prank(member(4));
        vm.expectPartialRevert(ICharter.RevocationNotAsked.selector);
        charter.confirmRevocation(SETTLER, settler);
    }

    function test_revocationNeedsTwo_guardianAndAnotherMember() external {
        vm.prank(member(1));
        vm.expectRevert(abi.encodeWithSelector(ICharter.CharterNotGuardian.selector, member(1)));
        charter.askRevocation(SETTLER, settler);
        decide(address(registry), abi.encodeCall(IAccessControl.grantRole, (GUARDIAN, member(2))));
        vm.startPrank(member(2));
        charter.askRevocation(SETTLER, settler);
        vm.expectRevert(abi.encodeWithSelector(ICharter.RevocationNeedsAnother.selector, member(2)));
        charter.confirmRevocation(SETTLER, settler);
        vm.stopPrank();
        vm.prank(settler);
        vm.expectPartialRevert(ICharter.CharterNotAdmitted.selector);
        charter.confirmRevocation(SETTLER, settler);
        vm.warp(block.timestamp + 72 hours);
        vm.prank(member(3));
        vm.expectPartialRevert(ICharter.RevocationNotAsked.selector);
        charter.confirmRevocation(SETTLER, settler);
    }

    function test_revocationNeverTouchesTheAdministrator_orWhatIsNotHeld() external {
        vm.startPrank(guardian);
        vm.expectRevert(abi.encodeWithSelector(ICharter.RevocationForbidden.selector, ADMIN));
        charter.askRevocation(ADMIN, address(charter));
        vm.expectPartialRevert(ICharter.RevocationNotAsked.selector);
        charter.askRevocation(SETTLER, attestor);
        vm.stopPrank();
    }

    function test_guardianThatLostItsRoleMeanwhileHasAskedNothing() external {
        vm.prank(guardian);
        charter.askRevocation(ADMITTER, admitter);
        vm.prank(address(charter));
        registry.revokeRole(GUARDIAN, guardian);
        vm.prank(member(3));
        vm.expectRevert(abi.encodeWithSelector(ICharter.CharterNotGuardian.selector, guardian));
        charter.confirmRevocation(ADMITTER, admitter);
    }

    function test_proposalSaysWhatWasDecided() external view {
        Proposal memory made = charter.proposal(id);
        vm.assertEq(made.target, address(registry), "target");
        vm.assertEq(made.dataHash, keccak256(call), "data");
        vm.assertEq(made.descriptionHash, keccak256("why"), "description");
        vm.assertEq(made.electorate, 5, "electorate");
        vm.assertEq(charter.rules().quorumBp, 5000, "rules");
    }
}
