/** Which language the page speaks: Chinese unless the reader chose English; remembered in the browser. */

export type Language = "zh" | "en";

const KEY = "alliance.language";

/** The language chosen, Chinese by default. */
export function currentLanguage(): Language {
  return window.localStorage.getItem(KEY) === "en" ? "en" : "zh";
}

/** Remember a choice and tell the document. */
export function chooseLanguage(language: Language): void {
  window.localStorage.setItem(KEY, language);
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
}
