/** The build: hashed files under assets/, precached by a service worker that never answers for the service itself. */
import react from "@vitejs/plugin-react";
import { VitePWA } from "vite-plugin-pwa";
import { defineConfig } from "vitest/config";

const service = process.env["ALLIANCE_SERVICE"] ?? "http://127.0.0.1:8080";

// Vite reads its configuration from the default export: the only one here.
export default defineConfig({
  plugins: [
    react(),
    VitePWA({
      registerType: "autoUpdate",
      includeAssets: ["icon.svg"],
      manifest: {
        name: "储能联盟 Storage Alliance",
        short_name: "储能联盟",
        description: "储能联盟成员与调度员的应用：今日、储能站、租约与结算、核验",
        lang: "zh-CN",
        start_url: "/",
        display: "standalone",
        background_color: "#f4f6f3",
        theme_color: "#0d3b40",
        icons: [
          { src: "icon.svg", sizes: "any", type: "image/svg+xml", purpose: "any" },
          { src: "icon-192.png", sizes: "192x192", type: "image/png", purpose: "any" },
          { src: "icon-512.png", sizes: "512x512", type: "image/png", purpose: "any" },
          { src: "icon-maskable-512.png", sizes: "512x512", type: "image/png", purpose: "maskable" },
        ],
      },
      workbox: {
        globPatterns: ["**/*.{js,css,html,svg}"],
        navigateFallbackDenylist: [
          /^\/v1\//, /^\/ipfs\//, /^\/grants\//, /^\/log\//, /^\/verify\.html/, /^\/docs/, /^\/openapi\.json/, /^\/(healthz|readyz)/,
        ],
      },
    }),
  ],
  build: { target: "es2022", sourcemap: false, chunkSizeWarningLimit: 900, reportCompressedSize: false },
  server: { proxy: { "/v1": service, "/ipfs": service, "/readyz": service } },
  test: { include: ["src/**/*.test.ts", "src/**/*.test.tsx", "verifier/src/**/*.test.ts"] },
});
