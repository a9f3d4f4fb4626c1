/** Whether this browser ever opened a session: the session itself is a cookie that the page cannot see. */

const KEY = "alliance.session";

/** Whether asking who is signed in may have an answer. */
export function sessionMayBeOpen(): boolean {
  return window.localStorage.getItem(KEY) === "open";
}

/** Remember that a session was opened, or that it is over. */
export function noteSession(open: boolean): void {
  if (open) window.localStorage.setItem(KEY, "open");
  else window.localStorage.removeItem(KEY);
}
