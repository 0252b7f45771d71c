/**
 * Simulates the actor runtime with many seeds: `npm run simulate`, or `node tools/run.mjs tools/simulate.ts`.
 *
 * --seeds N      seeds for each program, default 100,000: more than a million in all
 * --from N       the first one, default 1
 * --program T    only programs whose names contain this text
 * --processes N  how many work at once, default as many as there are cores
 *
 * Stops at the first that fails, prints what replays it, and exits with 1.
 */
import { spawn } from "node:child_process"
import { availableParallelism } from "node:os"
import process from "node:process"
import { parseArgs } from "node:util"
import { checkProgram, programs } from "../packages/actors/test/simulation/Programs.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100000" },
    from: { type: "string", default: "1" },
    program: { type: "string", default: "" },
    processes: { type: "string", default: `${availableParallelism()}` }
  },
  strict: true
})
const [count, from, processes] = [Number(values.seeds), Number(values.from), Number(values.processes)]
if (![count, processes].every((n) => Number.isInteger(n) && n > 0) || !Number.isInteger(from)) {
  console.error("--seeds and --processes must be whole numbers of 1 or more, and --from a whole number")
  process.exit(2)
}
const chosen = programs.filter(({ name }) => name.includes(values.program))
if (chosen.length === 0) {
  console.error(`No program is called "${values.program}"; there are: ${programs.map(({ name }) => name).join(", ")}`)
  process.exit(2)
}

// Reported in parts, so that a long run is seen to get on.
const part = 1_000

const simulate = async (): Promise<number> => {
  try {
    for (const program of chosen) {
      for (let done = 0; done < count; done += part) {
        await checkProgram(program, from + done, Math.min(part, count - done))
        console.log(`${program.name}: ${Math.min(done + part, count)} of ${count} seeds from ${from} on hold`)
      }
    }
    return 0
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    return 1
  }
}

/** Gives each process its share of the seeds. The first that fails ends the others. */
const divide = async (): Promise<number> => {
  const share = Math.ceil(count / processes)
  const starts = Array.from({ length: Math.ceil(count / share) }, (_, index) => index * share)
  const children = starts.map((start) => {
    const seeds = Math.min(share, count - start)
    const own = ["--from", `${from + start}`, "--seeds", `${seeds}`, "--program", values.program, "--processes", "1"]
    return spawn(process.execPath, [process.argv[1]!, ...own], { stdio: "inherit" })
  })
  const codes = children.map(
    (child) =>
      new Promise<number>((resolve) => {
        child.on("close", (code) => {
          if (code !== 0) for (const other of children) if (other !== child) other.kill()
          resolve(code ?? 1)
        })
      })
  )
  return (await Promise.all(codes)).every((code) => code === 0) ? 0 : 1
}

const started = performance.now()
const code = await (processes === 1 || count === 1 ? simulate() : divide())
if (code === 0 && processes > 1) {
  const seconds = Math.round((performance.now() - started) / 1_000)
  console.log(`${count} seeds of each of ${chosen.length} programs hold (${seconds} s)`)
}
process.exit(code)
