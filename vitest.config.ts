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
    // Files share a worker and what it has loaded: a third of the time. Our modules hold no state of their own, so that
    // nothing of one file can reach the next; a test that changes something global puts it back.
    isolate: false,
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 60_000
  }
})
