// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title A wallet that is a contract: one key acts through it, and its signatures count by EIP-1271. For tests alone.
contract ContractWallet is IERC1271 {
    address public immutable holder;

    error HolderOnly(address holder, address account);

    constructor(address holder_) {
        holder = holder_;
    }

    function execute(address target, bytes calldata data) external returns (bytes memory) {
        if (msg.sender != holder) revert HolderOnly(holder, msg.sender);
        (bool done, bytes memory answer) = target.call(data);
        if (!done) revert(string(answer));
        return answer;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (address signer,,) = ECDSA.tryRecover(hash, signature);
        return signer == holder ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
