/**
 * A test runner of thirty lines for programs that must run without vitest, as on plain Node 20.
 * Prints what fails, and at the end `N passed, N failed`; exits with 1 when something failed.
 */
import { exit } from "node:process"

let passed = 0
const failures: Array<string> = []

/** Runs one check; a thrown error or `false` is a failure. */
export const check = async (name: string, body: () => unknown): Promise<void> => {
  try {
    if ((await body()) === false) throw new Error("does not hold")
    passed++
  } catch (error) {
    failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

export const report = (): void => {
  for (const failure of failures) console.log(`✗ ${failure}`)
  console.log(`${passed} passed, ${failures.length} failed`)
  exit(failures.length === 0 ? 0 : 1)
}
