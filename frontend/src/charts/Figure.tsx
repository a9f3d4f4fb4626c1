/** One chart in the page: follows its box's size, keeps its accessible name, moves only for readers who like that. */

import type { EChartsCoreOption } from "echarts/core";
import { type ReactNode, useEffect, useRef } from "react";
import { motionReduced } from "../app/motion.ts";
import { type Chart, init } from "./echarts.ts";

export function Figure({
  option,
  label,
  height,
  onSelect,
}: {
  readonly option: EChartsCoreOption;
  readonly label: string;
  readonly height: number;
  /** Called with the `id` of a datum that was clicked. */
  readonly onSelect?: (id: string) => void;
}): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart>(null);
  const select = useRef(onSelect);
  select.current = onSelect;

  useEffect(() => {
    if (box.current === null) return undefined;
    const drawn = init(box.current, null, { renderer: "svg" });
    chart.current = drawn;
    drawn.on("click", (event) => {
      const datum = event.data as { readonly id?: string } | undefined;
      if (datum?.id !== undefined) select.current?.(datum.id);
    });
    const watcher = new ResizeObserver(() => drawn.resize());
    watcher.observe(box.current);
    return () => {
      watcher.disconnect();
      drawn.dispose();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    chart.current?.setOption({ animation: !motionReduced(), ...option }, { notMerge: true });
  }, [option]);

  return <div ref={box} role="img" aria-label={label} style={{ height, width: "100%" }} />;
}
