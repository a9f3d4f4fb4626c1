/** Colours and forms of antd's components: ink and deep teal, a warm accent, nothing of the default blue. */

import type { ThemeConfig } from "antd";
import { motionReduced } from "./motion.ts";

const FONT =
  '"Noto Sans SC", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", system-ui, -apple-system, "Segoe UI", sans-serif';

export const THEME: ThemeConfig = {
  token: {
    colorPrimary: "#0f5a5f",
    colorInfo: "#0f5a5f",
    colorLink: "#0f5a5f",
    colorSuccess: "#2c7a55",
    colorWarning: "#b3640c",
    colorError: "#b03a2e",
    colorTextBase: "#14282b",
    colorBorder: "#cfd8d2",
    colorBorderSecondary: "#e2e8e3",
    borderRadius: 8,
    fontFamily: FONT,
    fontSize: 14,
    motion: !motionReduced(),
  },
  components: {
    Table: { headerBg: "#f1f4f0", headerColor: "#48605f", cellPaddingBlockSM: 7, cellPaddingInlineSM: 10 },
  },
};
