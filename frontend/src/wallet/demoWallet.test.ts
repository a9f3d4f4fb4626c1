/** Demo wallets are offered nowhere but on this machine's demo chain. */

import { expect, it } from "vitest";
import { demoAllowed } from "./demoWallet.ts";

it.each([
  ["127.0.0.1", 31337, true],
  ["localhost", 31337, true],
  ["127.0.0.1", 1, false],
  ["alliance.example", 31337, false],
  ["127.0.0.1.example", 31337, false],
  ["127.0.0.1", undefined, false],
])("on %s with chain %s: %s", (host, chain, allowed) => {
  expect(demoAllowed(host, chain)).toBe(allowed);
});
