/** Entry: query cache, language, router. */

import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RouterProvider } from "react-router";
import { makeQueryClient } from "./app/cache.ts";
import { router } from "./app/router.tsx";
import { chooseLanguage, currentLanguage } from "./text/language.ts";
import { TextProvider } from "./text/TextProvider.tsx";
import "./app/base.css";
import "./app/shell.css";

chooseLanguage(currentLanguage());
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={makeQueryClient()}>
      <TextProvider>
        <RouterProvider router={router} />
      </TextProvider>
    </QueryClientProvider>
  </StrictMode>,
);
