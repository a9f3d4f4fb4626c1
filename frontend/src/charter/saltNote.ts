/** The salt of one's own application, kept in this browser: without it nobody can check the papers against the chain. */

const KEY = "alliance.salt.";

export function keepSalt(commitment: string, salt: string): void {
  window.localStorage.setItem(KEY + commitment, salt);
}

export function keptSalt(commitment: string): string | null {
  return window.localStorage.getItem(KEY + commitment);
}
