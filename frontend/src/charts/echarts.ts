/** The parts of ECharts that are used, drawn as SVG. */

import { LineChart, ScatterChart } from "echarts/charts";
import { AriaComponent, GeoComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { LabelLayout } from "echarts/features";
import { SVGRenderer } from "echarts/renderers";
import outline from "../map/lianyungang.json";

echarts.use([
  LineChart, ScatterChart, AriaComponent, GeoComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent,
  TooltipComponent, LabelLayout, SVGRenderer,
]);
echarts.registerMap("lianyungang", JSON.stringify(outline));

export const { init } = echarts;
export type Chart = echarts.ECharts;
