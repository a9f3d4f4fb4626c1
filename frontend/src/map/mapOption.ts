/** The schematic map: the counties' simplified outlines, a numbered mark for each station, pointing the way power flows. */

import type { EChartsCoreOption } from "echarts/core";

export interface Marked {
  readonly station: number;
  readonly name: string;
  readonly longitude: number;
  readonly latitude: number;
  readonly direction: "out" | "in" | "idle" | "unknown";
  readonly label: string;
}

/** Triangles up send, triangles down draw, circles rest: told apart without colour too. */
const LOOK = {
  out: { symbol: "triangle", rotate: 0, color: "#b3640c" },
  in: { symbol: "triangle", rotate: 180, color: "#2b62ad" },
  idle: { symbol: "circle", rotate: 0, color: "#5d7472" },
  unknown: { symbol: "circle", rotate: 0, color: "#aab6b3" },
} as const;

export function mapOption(marks: readonly Marked[], { regionName, narrow }: { readonly regionName: (name: string) => string; readonly narrow: boolean }): EChartsCoreOption {
  return {
    aria: { enabled: false },
    tooltip: { trigger: "item", confine: true },
    geo: {
      map: "lianyungang", roam: false, silent: true, layoutCenter: ["50%", "50%"], layoutSize: "104%", aspectScale: 0.82,
      itemStyle: { areaColor: "#e7efe9", borderColor: "#b9cbc3", borderWidth: 1.2 },
      label: { show: !narrow, color: "#93a8a1", fontSize: 11, formatter: ({ name }: { name: string }) => regionName(name) },
    },
    series: [
      {
        type: "scatter", coordinateSystem: "geo", cursor: "pointer",
        data: marks.map((mark) => ({
          id: `${mark.station}`, name: mark.name, value: [mark.longitude, mark.latitude],
          symbol: LOOK[mark.direction].symbol, symbolRotate: LOOK[mark.direction].rotate, symbolSize: 20,
          itemStyle: { color: LOOK[mark.direction].color, borderColor: "#fff", borderWidth: 2 },
          label: { formatter: `{n|${mark.station}} ${mark.label}` },
          tooltip: { formatter: `<strong>${mark.station} ${mark.name}</strong><br/>${mark.label}` },
        })),
        label: {
          show: true, position: "right", distance: 6, color: "#14282b", fontSize: 12, backgroundColor: "rgba(255,255,255,.9)",
          padding: [3, 7], borderRadius: 9, rich: { n: { fontWeight: 700, color: "#0f5a5f", fontSize: 12 } },
        },
        labelLayout: { moveOverlap: "shiftY" },
        z: 5,
      },
    ],
  };
}
