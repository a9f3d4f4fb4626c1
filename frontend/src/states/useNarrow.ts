/** Whether the screen is as narrow as a phone's. */

import { useSyncExternalStore } from "react";

const QUERY = "(max-width: 767.98px)";

export function useNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => window.matchMedia(QUERY).matches);
}

function subscribe(changed: () => void): () => void {
  const media = window.matchMedia(QUERY);
  media.addEventListener("change", changed);
  return () => media.removeEventListener("change", changed);
}
