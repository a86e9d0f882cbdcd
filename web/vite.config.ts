import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env.AMODAL_SERVER ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  base: "./",
  build: {
    outDir: "../src/amodal/annotate/web",
    emptyOutDir: true,
    // The server forbids inline scripts and data: fonts, so nothing is folded into the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    chunkSizeWarningLimit: 800,
  },
  server: { proxy: { "/api": server } },
  test: { include: ["src/**/*.test.ts", "src/**/*.test.tsx"], environment: "node" },
});
