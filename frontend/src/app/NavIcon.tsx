/** Line icons of the navigation. */

import type { ReactNode } from "react";

export type NavName = "today" | "station" | "statement" | "charter" | "audit";

const PATHS: Record<NavName, string> = {
  today: "M3 17l5-6 4 3 5-8 4 5 M3 21h18",
  station: "M4 8h14v10H4z M18 11h2v4h-2 M11 10l-3 4h4l-2 3",
  statement: "M6 3h9l4 4v14H6z M14 3v5h5 M9 12h7 M9 16h7",
  charter: "M4 20h16 M6 20v-8 M18 20v-8 M12 20v-8 M3 9l9-5 9 5z",
  audit: "M12 3l8 3v6c0 5-3.5 8-8 9-4.500-1-8-4-8-9V6z M8.500 12l2.500 2.500 4.500-5",
};

export function NavIcon({ name }: { readonly name: NavName }): ReactNode {
  return (
    <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} fill="none" stroke="currentColor" strokeWidth="1.7" strokeLinejoin="round" strokeLinecap="round" />
    </svg>
  );
}
