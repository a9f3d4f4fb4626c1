/** Names of Lianyungang's districts and counties. */

import type { Language } from "../text/language.ts";

const ENGLISH: Readonly<Record<string, string>> = {
  连云区: "Lianyun", 海州区: "Haizhou", 赣榆区: "Ganyu", 东海县: "Donghai", 灌云县: "Guanyun", 灌南县: "Guannan",
};

/** A region's name in a language. */
export function regionName(name: string, language: Language): string {
  return language === "zh" ? name : (ENGLISH[name] ?? name);
}
