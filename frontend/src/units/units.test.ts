/** Units become text without losing a cent. */

import { describe, expect, it } from "vitest";
import { pricePerKwh, sumCents, yuan } from "./money.ts";
import { energy, power, ppm, share, slotPowerKw } from "./quantity.ts";
import { absoluteSlot, dayAfter, dayOf, dayStartMs, slotStart } from "./time.ts";

describe("money", () => {
  it("keeps every cent beyond 2^53", () => {
    expect(yuan("9007199254740993")).toBe("90,071,992,547,409.93");
    expect(sumCents(["9007199254740993", "-1"])).toBe(9007199254740992n);
  });
  it("shows signs and small amounts", () => {
    expect(yuan("-5")).toBe("−0.05");
    expect(yuan("123456", { signed: true })).toBe("+1,234.56");
    expect(yuan(0n, { signed: true })).toBe("0.00");
  });
  it("shows prices in yuan per kWh", () => {
    expect(pricePerKwh(107_820)).toBe("1.0782");
    expect(pricePerKwh(39_100)).toBe("0.391");
    expect(pricePerKwh(-1)).toBe("−0.00001");
  });
});

describe("quantities", () => {
  it("carry their units", () => {
    expect(power(-1_234_567)).toBe("−1,235 kW");
    expect(energy(1500, 1)).toBe("1.5 kWh");
    expect(share(5025)).toBe("50.3 %");
    expect(ppm(3120)).toBe("0.31 %");
    expect(power(null)).toBe("—");
    expect(power(-100)).toBe("0 kW");
  });
  it("make a slot's mean power of its energy", () => {
    expect(slotPowerKw(250_000)).toBe(1000);
    expect(slotPowerKw(null)).toBeNull();
  });
});

describe("time", () => {
  it("is local to the alliance", () => {
    expect(dayOf(1_784_044_800_000)).toBe("2026-07-15");
    expect(dayStartMs("2026-07-15")).toBe(1_784_044_800_000);
    expect(dayAfter("2026-02-28", 1)).toBe("2026-03-01");
    expect(slotStart(95)).toBe("23:45");
    expect(absoluteSlot(1_784_044_800_000 / 900_000)).toBe("2026-07-15 00:00");
  });
});
