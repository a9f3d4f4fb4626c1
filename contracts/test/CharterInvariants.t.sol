// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Charter} from "../src/Charter.sol";
import {Ballot, Proposal, ProposalState} from "../src/types/Proposal.sol";
import {Alliance} from "./Alliance.sol";

/// @title What proposals call: it counts, and knows nobody but the charter
contract Bell {
    address private immutable _ringer;
    mapping(uint256 number => uint256) public rung;

    constructor(address ringer) {
        _ringer = ringer;
    }

    function ring(uint256 number) external {
        require(msg.sender == _ringer, "not the charter");
        ++rung[number];
    }
}

/// @title Members who propose, vote, object, cancel and execute, come and go; each ballot is kept beside
/// @notice Every call is tried whether it may or not, and must be done exactly if the definition allows it.
contract CharterHandler is Alliance {
    uint256 private constant MEMBERS_MOST = 8;
    uint256 private constant PROPOSALS_MOST = 12;

    /// @dev A proposal by the definition: who could vote when it was made, and who did.
    struct Made {
        uint256 number; // when, in the order of all that happened to the roster
        uint256 electorate;
        uint256 proposer;
        uint256 endsAt;
        uint256 acceptedAt;
        bool cancelled;
        bool executed;
    }

    Bell public bell;
    Made[] private _made;
    mapping(uint256 id => mapping(uint256 memberId => Ballot)) private _ballots;
    mapping(uint256 memberId => uint256) private _since; // 0: not on the roster
    uint256 private _clock = 1;
    uint256 private _members = 4;
    uint256 private _admitted = 4;
    uint32 public votes;
    uint32 public objections;
    uint32 public cancelled;
    uint32 public executed;
    uint32 public suspended;
    uint32 public joined;
    uint32 public refused;

    constructor() {
        deploy();
        admitMembers(_members);
        for (uint256 i = 1; i <= _members; ++i) _since[i] = _clock;
        bell = new Bell(address(charter));
    }

    // ---- what happens ----

    function propose(uint256 seed) external {
        if (_made.length == PROPOSALS_MOST) return;
        uint256 proposer = bound(seed, 1, _members);
        uint256 number = _made.length + 1;
        bool done = _try(proposer, abi.encodeCall(charter.propose, (address(bell), _ring(number), "d")));
        vm.assertTrue(done == (_since[proposer] != 0), "who may propose");
        if (!done) return;
        _made.push(Made(++_clock, _admitted, proposer, block.timestamp + CHARTER_VOTING, 0, false, false));
    }

    function vote(uint256 seed) external {
        if (_made.length == 0) return;
        (uint256 id, uint256 voter) = _some(seed);
        bool inFavour = seed >> 16 & 3 != 0;
        bool may = _state(id) == ProposalState.Voting && _isElector(id, voter) && _ballots[id][voter] == Ballot.None;
        vm.assertTrue(_try(voter, abi.encodeCall(charter.vote, (id, inFavour))) == may, "who may vote");
        if (!may) return;
        _ballots[id][voter] = inFavour ? Ballot.For : Ballot.Against;
        ++votes;
        (uint256 inFavourOf,) = _tally(id);
        if (inFavourOf * 2 > _made[id - 1].electorate && _suffices(id)) _made[id - 1].acceptedAt = block.timestamp;
    }

    function object(uint256 seed) external {
        if (_made.length == 0) return;
        (uint256 id, uint256 voter) = _some(seed);
        ProposalState state = _state(id);
        bool may = (state == ProposalState.Waiting || state == ProposalState.Executable) && _isElector(id, voter)
            && _ballots[id][voter] != Ballot.Objected;
        vm.assertTrue(_try(voter, abi.encodeCall(charter.object, (id))) == may, "who may object");
        if (!may) return;
        Made storage made = _made[id - 1];
        if (made.acceptedAt == 0) made.acceptedAt = made.endsAt;
        _ballots[id][voter] = Ballot.Objected;
        ++objections;
        if (!_suffices(id)) made.cancelled = true;
    }

    function cancel(uint256 seed) external {
        if (_made.length == 0 || seed >> 32 & 3 != 0) return;
        (uint256 id, uint256 voter) = _some(seed);
        bool may = _state(id) == ProposalState.Voting && _made[id - 1].proposer == voter;
        vm.assertTrue(_try(voter, abi.encodeCall(charter.cancel, (id))) == may, "who may cancel");
        if (!may) return;
        _made[id - 1].cancelled = true;
        ++cancelled;
    }

    /// @dev By anybody; with the call that was voted on, or with another one.
    function execute(uint256 seed) external {
        if (_made.length == 0) return;
        (uint256 id,) = _some(seed);
        bool same = seed >> 16 & 3 != 0;
        bool may = same && _state(id) == ProposalState.Executable;
        bytes memory data = _ring(same ? id : id + 1);
        vm.assertTrue(_try(99, abi.encodeCall(charter.execute, (id, data))) == may, "what may be executed");
        if (!may) return;
        _made[id - 1].executed = true;
        ++executed;
    }

    function join(uint256) external {
        if (_members == MEMBERS_MOST) return;
        ++_members;
        vm.prank(member(_members));
        registry.applyForMembership(keccak256(abi.encode(_members)));
        vm.prank(admitter);
        registry.admit(member(_members));
        _since[_members] = ++_clock;
        ++_admitted;
        ++joined;
    }

    function suspend(uint256 seed) external {
        uint256 memberId = bound(seed, 1, _members);
        bool on = _since[memberId] != 0;
        if (on && (_admitted == 2 || seed >> 16 & 1 == 0)) return;
        vm.prank(address(charter));
        if (on) registry.suspend(member(memberId));
        else registry.reinstate(member(memberId));
        _since[memberId] = on ? 0 : ++_clock;
        _admitted = on ? _admitted - 1 : _admitted + 1;
        ++suspended;
    }

    function pass(uint256 seed) external {
        vm.warp(block.timestamp + bound(seed, 1 hours, 60 hours));
    }

    /// @dev Nobody but the charter itself writes the rulebook, and nobody administers past it.
    function intrude(uint256 seed) external {
        address[5] memory others = [member(1), guardian, settler, admitter, address(bell)];
        address who = others[seed % 5];
        vm.prank(who);
        (bool done,) = address(charter).call(abi.encodeCall(charter.setPack, ("kind", 1e6, "pack")));
        vm.assertFalse(done, "a rule without a vote");
        vm.prank(who);
        (done,) = address(registry).call(abi.encodeCall(registry.addContract, ("Charter", who)));
        vm.assertFalse(done, "a contract without a vote");
        ++refused;
    }

    // ---- the definition ----

    function requireDecisions() external view {
        vm.assertEq(charter.proposalCount(), _made.length, "proposals");
        for (uint256 id = 1; id <= _made.length; ++id) {
            Proposal memory found = charter.proposal(id);
            (uint256 inFavour, uint256 against) = _tally(id);
            vm.assertEq(found.votesFor, inFavour, "one member, one vote, for");
            vm.assertEq(found.votesAgainst, against, "one member, one vote, against");
            vm.assertEq(found.electorate, _made[id - 1].electorate, "electorate");
            vm.assertEq(bell.rung(id), _made[id - 1].executed ? 1 : 0, "executed once, or not at all");
            vm.assertEq(uint256(charter.stateOf(id)), uint256(_state(id)), "state");
        }
    }

    function _state(uint256 id) private view returns (ProposalState) {
        Made storage made = _made[id - 1];
        if (made.executed) return ProposalState.Executed;
        if (made.cancelled) return ProposalState.Cancelled;
        uint256 accepted_ = made.acceptedAt;
        if (accepted_ == 0) {
            if (block.timestamp < made.endsAt) return ProposalState.Voting;
            if (!_suffices(id)) return ProposalState.Rejected;
            accepted_ = made.endsAt;
        }
        if (block.timestamp < accepted_ + CHARTER_DELAY) return ProposalState.Waiting;
        return block.timestamp < accepted_ + CHARTER_DELAY + CHARTER_GRACE
            ? ProposalState.Executable
            : ProposalState.Lapsed;
    }

    /// @dev Two for it at least, half of the electorate voted, more than half of those for it.
    function _suffices(uint256 id) private view returns (bool) {
        (uint256 inFavour, uint256 against) = _tally(id);
        return inFavour >= 2 && (inFavour + against) * 2 >= _made[id - 1].electorate && inFavour > against;
    }

    function _tally(uint256 id) private view returns (uint256 inFavour, uint256 against) {
        for (uint256 i = 1; i <= _members; ++i) {
            Ballot ballot = _ballots[id][i];
            if (ballot == Ballot.For) ++inFavour;
            else if (ballot != Ballot.None) ++against;
        }
    }

    /// @dev On the roster now, and without a break since before the proposal.
    function _isElector(uint256 id, uint256 memberId) private view returns (bool) {
        return _since[memberId] != 0 && _since[memberId] < _made[id - 1].number;
    }

    function _some(uint256 seed) private view returns (uint256 id, uint256 memberId) {
        (id, memberId) = (_made.length - (seed >> 64) % (_made.length < 3 ? _made.length : 3), bound(seed >> 96, 1, _members));
    }

    function _ring(uint256 number) private pure returns (bytes memory) {
        return abi.encodeCall(Bell.ring, (number));
    }

    function _try(uint256 memberId, bytes memory data) private returns (bool done) {
        vm.prank(member(memberId));
        (done,) = address(charter).call(data);
        if (!done) ++refused;
    }
}

/// @title Nothing is executed without quorum, majority and delay; one member, one vote; who joins later has none
contract CharterInvariants {
    CharterHandler private handler;

    function setUp() external {
        handler = new CharterHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_onlyWhatMembersDecidedIsDone() external view {
        handler.requireDecisions();
    }

    function test_itDoesHappen() external {
        for (uint256 i = 0; i < 400; ++i) {
            uint256 seed = uint256(keccak256(abi.encode(i)));
            if (i % 30 == 0) handler.propose(seed);
            handler.vote(seed);
            if (i % 3 == 0) handler.execute(seed >> 1);
            if (i % 3 == 1) handler.object(seed >> 2);
            if (i % 3 == 2) handler.cancel(seed >> 3);
            if (i % 9 == 0) handler.suspend(seed >> 4);
            if (i % 50 == 20) handler.join(seed);
            if (i % 4 == 0) handler.pass(seed);
            handler.intrude(seed);
            handler.requireDecisions();
        }
        require(handler.votes() > 20 && handler.executed() > 1 && handler.objections() > 1, "nothing was decided");
        require(handler.cancelled() > 0 && handler.suspended() > 5 && handler.joined() == 4, "nobody came or went");
        require(handler.refused() > 99, "nothing was refused");
    }
}
