import * as Limits from "@continuum/runtime-wasm/Limits"
import { ChildDied, ChildMemoryExceeded, ChildTimeout, PoolBusy } from "@continuum/runtime-wasm/sandbox/ChildError"
import type { Reply, RunReply } from "@continuum/runtime-wasm/sandbox/Requests"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs"
import { call, endless, isGone, pool } from "../support/Children.ts"

const output = (reply: unknown) => ((reply as Reply & { readonly ok: RunReply }).ok as RunReply).output

const double = call("(x) => x * 2")

describe("ChildPool", () => {
  it.live("keeps a child for the next request, and gives it nothing of the node's", () =>
    Effect.gen(function* () {
      const children = yield* pool()
      assert.strictEqual(output(yield* children.request(double, 5_000)), "2")
      const [pid] = children.pids()
      assert.strictEqual(output(yield* children.request(double, 5_000)), "2")
      assert.deepStrictEqual(children.pids(), [pid!])
      if (!existsSync(`/proc/${pid}/environ`)) return
      const variables = readFileSync(`/proc/${pid}/environ`, "utf8")
        .split("\0")
        .filter((line) => line !== "")
      assert.isTrue(
        variables.every((line) => line.startsWith("BUN_JSC_")),
        variables.join()
      )
      assert.strictEqual(readlinkSync(`/proc/${pid}/cwd`), "/")
      const limits = readFileSync(`/proc/${pid}/limits`, "utf8")
      assert.match(limits, new RegExp(`Max open files +${Limits.childDescriptorsMax}`))
      assert.match(limits, /Max core file size +0/)
      assert.match(limits, new RegExp(`Max data size +${Limits.childDataBytesMax}`))
      // Every thread of it, also those that were there before it became the runtime.
      for (const thread of readdirSync(`/proc/${pid}/task`)) {
        const [, fields] = readFileSync(`/proc/${pid}/task/${thread}/stat`, "latin1").split(") ")
        assert.isAtLeast(Number(fields!.split(" ")[16]), Limits.childNiceness, "nice value")
      }
    })
  )

  it.live("kills a child that does not answer in time, and has another for the next request", () =>
    Effect.gen(function* () {
      const children = yield* pool()
      yield* children.request(double, 5_000)
      const [pid] = children.pids()
      const error = yield* Effect.flip(children.request(endless, 200))
      assert.instanceOf(error, ChildTimeout)
      yield* isGone(pid!)
      assert.strictEqual(output(yield* children.request(double, 5_000)), "2")
      assert.notStrictEqual(children.pids()[0], pid)
    })
  )

  it.live("kills a child whose request is cancelled", () =>
    Effect.gen(function* () {
      const children = yield* pool()
      yield* children.request(double, 5_000)
      const [pid] = children.pids()
      const request = yield* Effect.forkChild(children.request(endless, 60_000))
      yield* Effect.sleep("100 millis")
      yield* Fiber.interrupt(request)
      yield* isGone(pid!)
      assert.strictEqual(output(yield* children.request(double, 5_000)), "2")
    })
  )

  it.live("tells the request when its child is killed by somebody else", () =>
    Effect.gen(function* () {
      const children = yield* pool()
      yield* children.request(double, 5_000)
      const request = yield* Effect.forkChild(Effect.flip(children.request(endless, 60_000)))
      yield* Effect.sleep("100 millis")
      process.kill(children.pids()[0]!, "SIGKILL")
      const error = yield* Fiber.join(request)
      assert.instanceOf(error, ChildDied)
      assert.match(error.message, /SIGKILL/)
    })
  )

  it.live("kills a child that takes more memory than it may", () =>
    Effect.gen(function* () {
      const children = yield* pool({ memoryBytesMax: 1024 * 1024, warm: 0 })
      const error = yield* Effect.flip(children.request(endless, 60_000))
      assert.instanceOf(error, ChildMemoryExceeded)
    })
  )

  it.live("lets so many wait and no more, and runs those in turn", () =>
    Effect.gen(function* () {
      const children = yield* pool({ queueCapacity: 1 })
      yield* children.request(double, 5_000)
      const running = yield* Effect.forkChild(Effect.flip(children.request(endless, 500)))
      yield* Effect.sleep("50 millis")
      const waiting = yield* Effect.forkChild(children.request(double, 5_000))
      yield* Effect.sleep("50 millis")
      const refused = yield* Effect.flip(children.request(double, 5_000))
      assert.instanceOf(refused, PoolBusy)
      assert.instanceOf(yield* Fiber.join(running), ChildTimeout)
      assert.strictEqual(output(yield* Fiber.join(waiting)), "2")
    })
  )

  it.live("stops children that have nothing to do, but for the warm ones", () =>
    Effect.gen(function* () {
      const children = yield* pool({ warm: 0, idleMs: 100 })
      yield* children.request(double, 5_000)
      yield* isGone(children.pids()[0]!)
      assert.strictEqual(output(yield* children.request(double, 5_000)), "2")
    })
  )

  it.live("ends all its children with its scope", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const children = yield* Scope.provide(pool({ size: 2 }), scope)
      yield* Effect.forkChild(Effect.exit(children.request(endless, 60_000)))
      yield* Effect.forkChild(Effect.exit(children.request(endless, 60_000)))
      while (children.pids().length < 2) yield* Effect.sleep("10 millis")
      const pids = children.pids()
      yield* Scope.close(scope, Exit.void)
      yield* Effect.forEach(pids, isGone)
      assert.instanceOf(yield* Effect.flip(children.request(double, 5_000)), ChildDied)
    })
  )
})
