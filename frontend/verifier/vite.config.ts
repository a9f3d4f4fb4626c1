/** The second verifier's build: one HTML file with everything inside, which a browser opens from disk. */

import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

/** Puts the one script and the one style sheet into the page, and the page beside the application's. */
function oneFile(): Plugin {
  return {
    name: "one-file",
    enforce: "post",
    generateBundle(_options, bundle) {
      const page = bundle["index.html"];
      if (page?.type !== "asset" || typeof page.source !== "string") throw new Error("no page was built");
      let html = page.source;
      for (const [name, piece] of Object.entries(bundle)) {
        if (piece === page) continue;
        html = piece.type === "chunk" ? withScript(html, name, piece.code) : withStyle(html, name, `${piece.source}`);
        delete bundle[name];
      }
      if (/<(?:script|link)[^>]+(?:src|href)="(?!data:)/.test(html)) throw new Error("the page still names another file");
      page.source = html;
      page.fileName = "verify.html";
    },
  };
}

/** A script may not hold its own end tag; a function as replacement keeps `$` as it is. */
function withScript(html: string, name: string, code: string): string {
  const tag = new RegExp(`<script[^>]+src="[^"]*${name.replace(/^.*\//, "")}"[^>]*></script>`);
  const inline = `<script type="module">${code.replace(/<\/(script)/gi, "<\\/$1")}</script>`;
  return html.replace(tag, "").replace("</body>", () => `${inline}\n  </body>`);
}

function withStyle(html: string, name: string, css: string): string {
  const tag = new RegExp(`<link[^>]+href="[^"]*${name.replace(/^.*\//, "")}"[^>]*>`);
  return html.replace(tag, () => `<style>${css}</style>`);
}

// Vite reads its configuration from the default export.
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  plugins: [react(), oneFile()],
  build: {
    outDir: fileURLToPath(new URL("../dist", import.meta.url)),
    emptyOutDir: false,
    target: "es2022",
    cssCodeSplit: false,
    assetsInlineLimit: Number.MAX_SAFE_INTEGER,
    modulePreload: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900,
    rollupOptions: { output: { codeSplitting: false } },
  },
});
