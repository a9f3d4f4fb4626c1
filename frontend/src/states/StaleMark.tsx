/** Marks values that are older than they should be. */

import type { ReactNode } from "react";
import { useText } from "../text/TextProvider.tsx";
import { moment } from "../units/time.ts";

/** Live values older than this, by the alliance's clock, are stale. */
export const STALE_MS = 300_000;

/** Whether values of an instant are stale at another. */
export function isStale(tMs: number, nowMs: number): boolean {
  return nowMs - tMs > STALE_MS;
}

export function StaleMark({ tMs, nowMs }: { readonly tMs: number; readonly nowMs: number | undefined }): ReactNode {
  const { text } = useText();
  if (nowMs === undefined || !isStale(tMs, nowMs)) return null;
  return (
    <span className="chip warn" title={text.staleWhy(moment(tMs))}>
      {text.stale}
    </span>
  );
}
