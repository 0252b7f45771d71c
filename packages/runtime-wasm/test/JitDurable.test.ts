import { ActorSystem } from "@continuum/actors/ActorSystem"
import { ContentStore, layerMemory } from "@continuum/core/ContentStore"
import { Jit } from "@continuum/runtime-wasm/Jit"
import type * as ModuleActor from "@continuum/runtime-wasm/ModuleActor"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { durable, source } from "./support/Counting.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "jit-"))),
  (dir) => Effect.sync(() => rmSync(dir, { recursive: true, force: true }))
)

const usesOf = (contentId: string) =>
  Effect.gen(function* () {
    return (yield* (yield* Jit).modules).find((one) => one.contentId === contentId)?.uses
  })

const stateOf = (contentId: string) =>
  Effect.gen(function* () {
    return (yield* (yield* ActorSystem).inspect(`continuum://local/module/${contentId}`)).stateValue
  })

const runSource = Effect.gen(function* () {
  return yield* (yield* Jit).run({ target: { lang: "wat", source }, input: 14 })
})

const script = fileURLToPath(new URL("./support/Counting.ts", import.meta.url))
const args = process.versions["deno"] === undefined ? [script] : ["run", "-A", script]

/** Runs a node of its own until it has got so many answers, kills it, and gives the number that it last said. */
const countAndKill = (dir: string, until: number) =>
  Effect.callback<number>((resume) => {
    const child = spawn(process.execPath, [...args, dir], { stdio: ["ignore", "pipe", "inherit"] })
    let text = ""
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk
      if (text.split("\n").length > until) child.kill("SIGKILL")
    })
    child.once("close", () => resume(Effect.succeed(Number(text.trimEnd().split("\n").at(-1)))))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

describe("Jit on a disk", () => {
  it.live("knows after a restart what it compiled and how often it was used", () =>
    Effect.gen(function* () {
      const dir = yield* directory
      const content = Layer.succeed(ContentStore, yield* Effect.provide(ContentStore, layerMemory))
      const start = <A, E>(key: string, effect: Effect.Effect<A, E, Jit | ActorSystem>) =>
        effect.pipe(Effect.provide(durable(dir, "here", key)), Effect.provide(content))
      const first = yield* start("ant", Effect.andThen(runSource, runSource))
      assert.strictEqual(first.cache, "hit")
      const [before, again, state] = yield* start(
        "bee",
        Effect.all([usesOf(first.contentId), runSource, stateOf(first.contentId)])
      )
      assert.strictEqual(before, 2)
      assert.deepInclude(again, { output: 42, cache: "hit", contentId: first.contentId, fuel: first.fuel })
      // Another identity of the same name counts for itself.
      const { fuel } = first
      assert.deepStrictEqual((state as ModuleActor.State).counters, {
        ant: { uses: 2, failures: 0, fuelTotal: 2 * fuel },
        bee: { uses: 1, failures: 0, fuelTotal: fuel }
      })
    })
  )

  it.live("counts uses on a node of any name that a node may have", () =>
    Effect.gen(function* () {
      const dir = yield* directory
      const uses = Effect.gen(function* () {
        yield* runSource
        return yield* usesOf((yield* runSource).contentId)
      }).pipe(Effect.provide(durable(dir, "constructor")), Effect.provide(layerMemory))
      assert.strictEqual(yield* uses, 2)
    })
  )

  it.live("has counted every answer that left it when it was killed", () =>
    Effect.gen(function* () {
      const dir = yield* directory
      const answers = yield* countAndKill(dir, 100)
      assert.isAtLeast(answers, 100)
      const uses = yield* Effect.gen(function* () {
        return yield* usesOf((yield* runSource).contentId)
      }).pipe(Effect.provide(durable(dir)), Effect.provide(layerMemory))
      // The use just now, and at most one whose answer was on its way.
      assert.isAtLeast(uses!, answers + 1)
      assert.isAtMost(uses!, answers + 2)
    })
  )
})
