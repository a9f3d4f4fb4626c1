/** Hands the chosen catalogue to every view. */

import { createContext, type ReactNode, useContext, useMemo, useState } from "react";
import { en } from "./en.ts";
import { chooseLanguage, currentLanguage, type Language } from "./language.ts";
import { type Catalogue, zh } from "./zh.ts";

interface Spoken {
  readonly language: Language;
  readonly text: Catalogue;
  readonly speak: (language: Language) => void;
}

const Context = createContext<Spoken>({ language: "zh", text: zh, speak: () => undefined });

/** The language in use, its catalogue, and how to change it. */
export function useText(): Spoken {
  return useContext(Context);
}

/** A name in the language in use, given both. */
export function named(language: Language, names: { readonly nameZh: string; readonly nameEn: string } | undefined): string {
  return names === undefined ? "" : language === "zh" ? names.nameZh : names.nameEn;
}

export function TextProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const [language, setLanguage] = useState(currentLanguage);
  const spoken = useMemo<Spoken>(
    () => ({
      language,
      text: language === "zh" ? zh : en,
      speak: (next) => {
        chooseLanguage(next);
        setLanguage(next);
      },
    }),
    [language],
  );
  return <Context value={spoken}>{children}</Context>;
}
