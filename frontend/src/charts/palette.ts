/** Colours of series: told apart by every common kind of colour blindness, and by their dashes. */

export const PALETTE = {
  plan: "#b3640c",
  actual: "#0f5a5f",
  battery: "#3b6fb6",
  batteryPlan: "#8aa6d1",
  soc: "#7a5195",
  axis: "#8a9a98",
  split: "#e6ebe6",
  text: "#48605f",
  peak: "rgba(201, 118, 26, 0.13)",
  valley: "rgba(15, 90, 95, 0.09)",
  flat: "rgba(0, 0, 0, 0)",
} as const;
