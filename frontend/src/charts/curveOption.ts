/** Plan against actual over a day: mean power of each slot in kW as steps, tariff bands behind, state of charge beside. */

import type { EChartsCoreOption } from "echarts/core";
import type { Catalogue } from "../text/zh.ts";
import { pricePerKwh } from "../units/money.ts";
import { figure, slotPowerKw } from "../units/quantity.ts";
import { SLOTS_A_DAY, slotStart } from "../units/time.ts";
import { PALETTE } from "./palette.ts";
import { type Band, bandsOf } from "./tariffBands.ts";

export interface CurvePoint {
  readonly slot: number;
  readonly plannedNetWh?: number | null;
  readonly netWh?: number | null;
  readonly plannedBatteryWh?: number | null;
  readonly batteryWh?: number | null;
  readonly socBp?: number | null;
}

interface Wanted {
  readonly slots: readonly CurvePoint[];
  readonly tariff: readonly { readonly buyPrice: number }[];
  readonly text: Catalogue;
  readonly narrow: boolean;
  /** With the battery's own power and state of charge, as for one station. */
  readonly battery: boolean;
}

/** The option of a day's curve. */
export function curveOption({ slots, tariff, text, narrow, battery }: Wanted): EChartsCoreOption {
  const bands = bandsOf(tariff);
  const { series: names } = text;
  return {
    aria: { enabled: false },
    grid: { left: 8, right: battery ? 8 : 16, top: narrow ? 62 : 46, bottom: 4, containLabel: true },
    legend: { top: 0, left: 0, icon: "rect", itemWidth: 20, itemHeight: 3, itemGap: narrow ? 10 : 18, textStyle: { color: PALETTE.text } },
    tooltip: { trigger: "axis", confine: true, formatter: tooltipOf(slots, bands, text, battery), axisPointer: { type: "line" } },
    xAxis: {
      type: "value", min: 0, max: SLOTS_A_DAY, interval: narrow ? 24 : 12,
      axisLabel: { formatter: slotStart, color: PALETTE.text, hideOverlap: true },
      axisLine: { lineStyle: { color: PALETTE.axis }, onZero: false }, splitLine: { show: false },
    },
    yAxis: [
      {
        type: "value", boundaryGap: ["4%", "12%"], name: names.kw, nameTextStyle: { color: PALETTE.text, align: "right", padding: [0, 6, 0, 0] },
        axisLabel: { color: PALETTE.text, formatter: (value: number) => figure(value, 0) }, splitLine: { lineStyle: { color: PALETTE.split } }, splitNumber: narrow ? 4 : 5,
      },
      ...(battery ? [{ type: "value", min: 0, max: 100, interval: 25, axisLabel: { color: PALETTE.soc, formatter: "{value}%" }, splitLine: { show: false } }] : []),
    ],
    series: [
      { ...steps(names.plan, PALETTE.plan, slots, (slot) => slotPowerKw(slot.plannedNetWh)), lineStyle: { width: 2, type: [6, 4], color: PALETTE.plan }, markArea: areas(bands, text, narrow) },
      steps(names.actual, PALETTE.actual, slots, (slot) => slotPowerKw(slot.netWh)),
      ...(battery ? batterySeries(slots, names) : []),
    ],
  };
}

function batterySeries(slots: readonly CurvePoint[], names: Catalogue["series"]): readonly object[] {
  return [
    { ...steps(names.battery, PALETTE.battery, slots, (slot) => slotPowerKw(slot.batteryWh)), lineStyle: { width: 1.5, type: [2, 2], color: PALETTE.battery } },
    {
      type: "line", name: names.soc, yAxisIndex: 1, symbol: "none", itemStyle: { color: PALETTE.soc }, lineStyle: { width: 1.5, color: PALETTE.soc },
      data: slots.map((slot) => [slot.slot + 1, slot.socBp === null || slot.socBp === undefined ? null : slot.socBp / 100]),
    },
  ];
}

function steps(name: string, color: string, slots: readonly CurvePoint[], of: (slot: CurvePoint) => number | null): object {
  const data: [number, number | null][] = slots.map((slot) => [slot.slot, of(slot)]);
  const lastKnown = data.findLastIndex(([, value]) => value !== null);
  const end = data[lastKnown];
  if (end !== undefined) data.splice(lastKnown + 1, 0, [end[0] + 1, end[1]]);
  return {
    type: "line", name, step: "end", symbol: "none", data, itemStyle: { color }, lineStyle: { width: 2.2, color },
    emphasis: { disabled: true }, z: 3,
  };
}

function areas(bands: readonly Band[], text: Catalogue, narrow: boolean): object {
  return {
    silent: true,
    data: bands.map((band) => [
      {
        xAxis: band.from,
        itemStyle: { color: PALETTE[band.rank] },
        label: {
          show: band.to - band.from >= (narrow ? 8 : 6), position: "insideTop", color: PALETTE.text, fontSize: 11,
          formatter: narrow || band.to - band.from < 10 ? text.tariff[band.rank] : `${text.tariff[band.rank]} ${pricePerKwh(band.buyPrice)}`,
        },
      },
      { xAxis: band.to },
    ]),
  };
}

function tooltipOf(slots: readonly CurvePoint[], bands: readonly Band[], text: Catalogue, battery: boolean) {
  const { series: names } = text;
  return (items: readonly { readonly axisValue: number }[]): string => {
    const number = Math.min(SLOTS_A_DAY - 1, Math.floor(items[0]?.axisValue ?? 0));
    const slot = slots[number];
    const band = bands.find(({ from, to }) => from <= number && number < to);
    const rows: [string, string][] = [
      [names.plan, kw(slotPowerKw(slot?.plannedNetWh))],
      [names.actual, kw(slotPowerKw(slot?.netWh))],
      ...(battery ? batteryRows(slot, names) : []),
      ...(band === undefined ? [] : [[names.price, `${pricePerKwh(band.buyPrice)} ${names.pricePerKwh}`] as [string, string]]),
    ];
    const body = rows.map(([name, value]) => `<tr><td>${name}</td><td style="text-align:right;padding-left:14px">${value}</td></tr>`);
    return `<strong>${slotStart(number)}–${slotStart(number + 1)}</strong><table>${body.join("")}</table>`;
  };
}

function batteryRows(slot: CurvePoint | undefined, names: Catalogue["series"]): [string, string][] {
  const soc = slot?.socBp;
  return [
    [names.batteryPlan, kw(slotPowerKw(slot?.plannedBatteryWh))],
    [names.battery, kw(slotPowerKw(slot?.batteryWh))],
    [names.soc, soc === null || soc === undefined ? "—" : `${figure(soc / 100, 1)} %`],
  ];
}

function kw(value: number | null): string {
  return value === null ? "—" : `${figure(value, 0)} kW`;
}
