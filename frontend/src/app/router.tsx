/** The views and their addresses; each view's code arrives when it is opened. */

import { createBrowserRouter } from "react-router";
import { Crash } from "../states/Crash.tsx";
import { NotFound } from "../states/NotFound.tsx";
import { Opening } from "../states/Opening.tsx";
import { Shell } from "./Shell.tsx";

export const router = createBrowserRouter([
  {
    path: "/",
    Component: Shell,
    ErrorBoundary: Crash,
    HydrateFallback: Opening,
    children: [
      {
        lazy: async () => ({ Component: (await import("./Frame.tsx")).Frame }),
        ErrorBoundary: Crash,
        children: [
          { index: true, lazy: async () => ({ Component: (await import("../today/TodayView.tsx")).TodayView }) },
          {
            path: "stations/:station?",
            lazy: async () => ({ Component: (await import("../station/StationView.tsx")).StationView }),
          },
          {
            path: "statement",
            lazy: async () => ({ Component: (await import("../statement/StatementView.tsx")).StatementView }),
          },
          {
            path: "statement/leases",
            lazy: async () => ({ Component: (await import("../leases/LeasesView.tsx")).LeasesView }),
          },
          {
            path: "statement/readers",
            lazy: async () => ({ Component: (await import("../readers/ReadersView.tsx")).ReadersView }),
          },
          {
            path: "charter",
            lazy: async () => ({ Component: (await import("../charter/CharterView.tsx")).CharterView }),
          },
          {
            path: "charter/members",
            lazy: async () => ({ Component: (await import("../charter/MembersView.tsx")).MembersView }),
          },
          { path: "audit", lazy: async () => ({ Component: (await import("../audit/AuditView.tsx")).AuditView }) },
        ],
      },
      { path: "*", Component: NotFound },
    ],
  },
]);
