/** With which wallet the member signed in, so that a transaction later asks the same one: a name, never a key. */

const KEY = "alliance.wallet";

/** The name under which the demo's wallets go. */
export const DEMO = "demo";

export function notedWallet(): string | null {
  return window.localStorage.getItem(KEY);
}

export function noteWallet(name: string): void {
  window.localStorage.setItem(KEY, name);
}
