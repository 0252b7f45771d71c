/** Pools of real children, and a request that keeps one busy until it is killed. */
import * as ContentId from "@continuum/core/ContentId"
import * as ChildPool from "@continuum/runtime-wasm/sandbox/ChildPool"
import * as Reaper from "@continuum/runtime-wasm/sandbox/ReaperProcess"
import { makeGreet } from "@continuum/runtime-wasm/sandbox/Sandbox"
import type { Loaded, RunRequest } from "@continuum/runtime-wasm/sandbox/Requests"
import { Effect } from "effect"

// One for all pools: QuickJS is made ready once.
const greet = await Effect.runPromise(makeGreet)

export const pool = (options: Partial<ChildPool.Options> = {}) =>
  Effect.gen(function* () {
    const reaper = yield* Reaper.make
    return yield* ChildPool.make({
      reaper,
      size: 1,
      warm: 1,
      queueCapacity: 4,
      idleMs: 60_000,
      memoryBytesMax: 1024 * 1024 * 1024,
      role: "run",
      preload: false,
      greet,
      ...options
    })
  })

const interpreted = (source: string): Loaded => ({
  manifest: {
    format: 1,
    engine: "quickjs",
    abi: "raw1",
    lang: "js",
    signature: "(any) => any",
    source: ContentId.of(source),
    compiler: "test",
    tested: 0
  },
  code: undefined,
  source,
  memory: false,
  tableEntriesMax: 0
})

/** Runs a JavaScript function on 1. */
export const call = (source: string, fuelMax = 1_000_000_000): RunRequest => ({
  op: "run",
  key: source,
  module: interpreted(source),
  input: "1",
  fuelMax,
  interpret: false
})

/** Fuel for an hour. */
export const endless = call("() => { for (;;) {} }", 2 ** 52)

/** Whether a process lives. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Waits until a process is gone; fails the test's time limit otherwise. */
export const isGone = (pid: number): Effect.Effect<void> =>
  Effect.suspend(() => (isAlive(pid) ? Effect.andThen(Effect.sleep("10 millis"), isGone(pid)) : Effect.void))
