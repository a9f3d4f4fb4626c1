/** Whether the reader asked for less motion. */

export function motionReduced(): boolean {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}
