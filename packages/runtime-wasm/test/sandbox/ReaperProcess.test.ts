import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { isAlive, isGone } from "../support/Children.ts"

const script = fileURLToPath(new URL("../support/Orphans.ts", import.meta.url))
const args = process.versions["deno"] === undefined ? [script] : ["run", "-A", script]

/** Starts a node of its own and waits for the ids that it prints. */
const node = Effect.acquireRelease(
  Effect.callback<{ readonly kill: () => void; readonly pids: ReadonlyArray<number> }>((resume) => {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
    const kill = () => child.kill("SIGKILL")
    child.stdout.once("data", (line: Uint8Array) => {
      resume(Effect.succeed({ kill, pids: JSON.parse(new TextDecoder().decode(line)) as Array<number> }))
    })
  }),
  ({ kill }) => Effect.sync(kill)
)

describe("ReaperProcess", () => {
  it.live("ends a child that is busy for ever when its node is killed", () =>
    Effect.gen(function* () {
      const { kill, pids } = yield* node
      assert.lengthOf(pids, 1)
      assert.isTrue(pids.every(isAlive))
      kill()
      yield* Effect.forEach(pids, isGone)
    })
  )
})
