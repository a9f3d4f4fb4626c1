/** Whether two values of the rules are the same, field by field; bytes stand in them as hex, so `===` decides at the leaves. */

export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  const [left, right] = [a as Readonly<Record<string, unknown>>, b as Readonly<Record<string, unknown>>];
  for (const name of names) if (!Object.hasOwn(right, name) || !same(left[name], right[name])) return false;
  return true;
}
