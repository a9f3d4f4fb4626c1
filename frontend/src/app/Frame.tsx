/** antd's theme and language around the views; kept out of the shell for its weight. */

import { ConfigProvider } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import type { ReactNode } from "react";
import { Outlet } from "react-router";
import { useText } from "../text/TextProvider.tsx";
import { THEME } from "./theme.ts";

export function Frame(): ReactNode {
  const { language } = useText();
  return (
    <ConfigProvider theme={THEME} button={{ autoInsertSpace: false }} locale={language === "zh" ? zhCN : enUS}>
      <Outlet />
    </ConfigProvider>
  );
}
