import { defineConfig } from "vite";

// Nothing is inlined: the node's Content-Security-Policy allows no `data:` scripts, styles or fonts.
export default defineConfig({
  base: "/",
  build: {
    outDir: "../static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2023",
    chunkSizeWarningLimit: 6000,
  },
});
