/** One saying in both languages: Chinese as the text, English beside it, smaller. */

import type { ReactNode } from "react";
import type { Said } from "./text.ts";

export function Both({ say, apart = false }: { readonly say: Said; readonly apart?: boolean }): ReactNode {
  return (
    <>
      <span lang="zh-CN">{say.zh}</span>{" "}
      <span lang="en" className={apart ? "en apart" : "en"}>
        {say.en}
      </span>
    </>
  );
}
