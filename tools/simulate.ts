/**
 * Simulates the actor runtime with many seeds: `node tools/run.mjs tools/simulate.ts`.
 *
 * --seeds N     seeds for each program, default 1,000,000
 * --from N      the first one, default 1
 * --program T   only programs whose names contain this text
 *
 * Stops at the first that fails, prints what replays it, and exits with 1.
 */
import process from "node:process"
import { parseArgs } from "node:util"
import { checkProgram, programs } from "../packages/actors/test/simulation/Programs.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000000" },
    from: { type: "string", default: "1" },
    program: { type: "string", default: "" }
  },
  strict: true
})
const [count, from] = [Number(values.seeds), Number(values.from)]
if (!Number.isInteger(count) || count < 1 || !Number.isInteger(from)) {
  console.error("--seeds must be a whole number of 1 or more, and --from a whole number")
  process.exit(2)
}
const chosen = programs.filter(({ name }) => name.includes(values.program))
if (chosen.length === 0) {
  console.error(`No program is called "${values.program}"; there are: ${programs.map(({ name }) => name).join(", ")}`)
  process.exit(2)
}
// Reported in parts, so that a long run is seen to get on.
const part = 1_000
try {
  for (const program of chosen) {
    for (let done = 0; done < count; done += part) {
      await checkProgram(program, from + done, Math.min(part, count - done))
      console.log(`${program.name}: ${Math.min(done + part, count)} of ${count} seeds hold`)
    }
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exit(1)
}
