import { defineConfig } from "vitest/config"

const conditions = ["source"]

// Runs straight from the TypeScript sources. Under Bun the pool must be `threads` (bun --bun vitest run).
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/*.deep.test.ts"],
    pool: "threads",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 60_000
  }
})
