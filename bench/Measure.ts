/**
 * Inside a measured process: warms a workload up, times it, and prints what came out as one line of JSON.
 *
 * Time is counted twice: CPU time of the whole process (its garbage collector and compiler threads included), which
 * other programs on the machine hardly disturb, and time on the wall. A workload checks its own result and throws when
 * that is wrong, so a benchmark that computes nothing fails instead of winning.
 */
import process from "node:process"
import { median } from "./Statistics.ts"

/** What one process found for one case. */
export interface Sample {
  /** Identifier of the case in its suite. */
  readonly case: string
  /** CPU nanoseconds of this process for one operation; absent where most of the work is done by other processes. */
  readonly cpuNs?: number
  /** Nanoseconds on the wall for one operation; absent where time does not count. */
  readonly wallNs?: number
  /** Bytes of memory for each of what was made. */
  readonly bytes?: number
}

/** What a measured process prints as its last line. */
export interface Report {
  readonly samples: ReadonlyArray<Sample>
  /** Facts that are no times, for the text of the suite. */
  readonly details?: unknown
}

/** Whether this process only has to show that it works. */
export const quick = process.argv.includes("--quick")

// Warm-up is long enough for the optimising compilers of all three engines: a longer one moved no median by more than its spread.
const warmUpMs = quick ? 2 : 250
const batchMs = quick ? 1 : 60
const batches = quick ? 1 : 5

const samples: Array<Sample> = []

/**
 * Measures one case. `run` does exactly `operations` operations, checks what they gave, and is called several times.
 * The sample is the median of its batches.
 */
export const measure = async (name: string, run: (operations: number) => unknown): Promise<void> => {
  const operations = await warmUp(run)
  const cpuNs: Array<number> = []
  const wallNs: Array<number> = []
  for (let batch = 0; batch < batches; batch++) {
    const cpu = process.cpuUsage()
    const start = performance.now()
    await run(operations)
    const wallMs = performance.now() - start
    const { user, system } = process.cpuUsage(cpu)
    cpuNs.push(((user + system) * 1_000) / operations)
    wallNs.push((wallMs * 1_000_000) / operations)
  }
  samples.push({ case: name, cpuNs: median(cpuNs), wallNs: median(wallNs) })
}

/** Runs ever more operations until it is warm, and returns how many fill a batch. */
const warmUp = async (run: (operations: number) => unknown): Promise<number> => {
  const begin = performance.now()
  for (let operations = 64; ; operations *= 2) {
    const start = performance.now()
    await run(operations)
    const now = performance.now()
    const ms = Math.max(now - start, 0.001)
    if (now - begin >= warmUpMs && ms >= batchMs / 4) return Math.max(1, Math.round((operations * batchMs) / ms))
  }
}

/** Adds a case that the program timed by itself. */
export const record = (sample: Sample): void => {
  samples.push(sample)
}

/** Throws unless a result is what it must be. */
export const check = (what: string, actual: unknown, expected: unknown): void => {
  if (!Object.is(actual, expected)) throw new Error(`${what} is ${String(actual)}, and should be ${String(expected)}`)
}

/** Prints the report and ends the process, whatever timers are still set. */
export const finish = (details?: unknown): never => {
  const report: Report = details === undefined ? { samples } : { samples, details }
  console.log(JSON.stringify(report))
  process.exit(0)
}
