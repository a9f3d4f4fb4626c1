/** The alliance's mark: six stations joined in a ring around one current. */

import type { ReactNode } from "react";

const CORNERS = ["256,84", "405,170", "405,342", "256,428", "107,342", "107,170"];

export function Mark(): ReactNode {
  return (
    <svg viewBox="70 50 372 412" width="34" height="36" aria-hidden="true" focusable="false">
      <polygon points={CORNERS.join(" ")} fill="none" stroke="currentColor" strokeWidth="20" opacity="0.75" />
      {CORNERS.map((corner) => {
        const [x, y] = corner.split(",");
        return <circle key={corner} cx={x} cy={y} r="32" fill="currentColor" />;
      })}
      <path d="M276 160 186 276h58l-10 78 92-122h-60z" fill="#f0a53a" />
    </svg>
  );
}
