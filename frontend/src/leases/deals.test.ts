/** Rent, free room and forms agree with the contracts' arithmetic. */

import { expect, it } from "vitest";
import type { Lease, Offer } from "../api/queries.ts";
import { firstSlotOf } from "../units/entry.ts";
import { type OfferForm, termsOf } from "./offerForm.ts";
import { freeOf } from "./room.ts";
import { endPriceCents, heldSlots, rentCents } from "./window.ts";

const first = firstSlotOf("2026-07-15") ?? 0; // a Wednesday
const always = { weekdayMask: 0x7f, dayFirstSlot: 0, daySlots: 96 };

it("counts the slots of weekdays and hours", () => {
  const week = { firstSlot: first, endSlot: first + 7 * 96 };
  expect(heldSlots({ ...week, ...always })).toBe(672);
  expect(heldSlots({ ...week, weekdayMask: 0b0000001, dayFirstSlot: 32, daySlots: 16 })).toBe(16);
  expect(heldSlots({ ...week, weekdayMask: 0b0011111, dayFirstSlot: 40, daySlots: 40 })).toBe(200);
  expect(heldSlots({ firstSlot: first + 10, endSlot: first + 50, weekdayMask: 0b0000100, dayFirstSlot: 0, daySlots: 20 })).toBe(10);
});

it("reckons rent once, half up, and what ending alone costs", () => {
  const window = { ...always, firstSlot: first, endSlot: first + 30 * 96 };
  const rent = rentCents(600_000n, 20_000n, window);
  expect(rent).toBe(986_301n); // 600 kW · 200.00 yuan/kW·year · 2,880 / 35,040
  expect(endPriceCents(rent, 5_000, window, first + 15 * 96)).toBe(246_575n);
  expect(endPriceCents(rent, 5_000, window, window.endSlot)).toBe(0n);
});

it("leaves free what no moment of the term takes", () => {
  const offer = { offer: 1, firstSlot: 0, termSlots: 100, powerW: 1_000, energyWh: 2_000 } as Offer;
  const lease = (firstSlot: number, endSlot: number, powerW: number) => ({ offer: 1, firstSlot, endSlot, powerW, energyWh: powerW }) as Lease;
  const leases = [lease(0, 50, 400), lease(50, 100, 300), lease(40, 60, 200), { ...lease(0, 100, 999), offer: 2 }];
  expect(freeOf(offer, leases, 0)).toEqual({ powerW: 400, energyWh: 1_400 });
  expect(freeOf(offer, leases, 70)).toEqual({ powerW: 700, energyWh: 1_700 });
});

const form: OfferForm = {
  station: 6, powerKw: "400", energyKwh: "800", firstDay: "2026-07-20", days: "10", rent: "210.5", wear: "0.075", etaC: "95", etaD: "95",
  handoverKwh: "0", handoverPrice: "0", sla: "98", slaFactor: "150", weekdayMask: 0x7f, fromSlot: 0, toSlot: 96, endNoticeDays: "3", endFee: "20",
};

it("reads an offer's form into the contract's integers", () => {
  const read = termsOf(form);
  expect(read).toMatchObject({
    terms: {
      powerW: 400_000n, rentCentsPerKwYear: 21_050n, wearPrice: 7_500n, etaCPpm: 950_000, slaBp: 9_800, termSlots: 960, endNoticeSlots: 288,
      endFeeBp: 2_000, daySlots: 96,
    },
  });
});

it("tells which fields are wrong", () => {
  expect(termsOf({ ...form, powerKw: "", wear: "abc", fromSlot: 96, toSlot: 96 })).toEqual({ wrong: ["powerKw", "wear", "toSlot"] });
});
