import { defineConfig, mergeConfig } from "vitest/config"
import quick from "./vitest.config.ts"

// The long versions of tests: many seeds, kills and mutations. Run with `npm run test:deep`.
export default mergeConfig(
  { ...quick, test: { ...quick.test, include: [], exclude: ["**/node_modules/**", "**/dist/**"] } },
  defineConfig({
    test: { include: ["{packages,apps}/*/test/**/*.deep.test.ts", "test/**/*.deep.test.ts"], testTimeout: 1_200_000 }
  })
)
