/** Skeletons while something is on its way. */

import type { ReactNode } from "react";
import { useText } from "../text/TextProvider.tsx";

/** A grey block of a height, announced as loading. */
export function Skeleton({ height }: { readonly height: number }): ReactNode {
  const { text } = useText();
  return <div className="skeleton" style={{ height }} role="status" aria-label={text.loading} />;
}

/** The first screen before a view's code is there. */
export function Opening(): ReactNode {
  return (
    <div className="view">
      <Skeleton height={32} />
      <Skeleton height={96} />
      <Skeleton height={360} />
    </div>
  );
}
