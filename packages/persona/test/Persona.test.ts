import { assert, describe, it } from "@effect/vitest"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { ActorStorage } from "@continuum/actors/ActorStorage"
import * as ActorStorageMemory from "@continuum/actors/ActorStorageMemory"
import * as Limits from "@continuum/persona/Limits"
import * as Persona from "@continuum/persona/Persona"
import { Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as ScriptedBackend from "./support/ScriptedBackend.ts"

/** The persona's actor in a system of its own, on a storage that may be another's. */
const persona = Effect.fnUntraced(function* (storage: Layer.Layer<ActorStorage>) {
  const context = yield* Layer.build(ActorSystem.layer().pipe(Layer.provide(storage)))
  const system = Context.get(context, ActorSystem)
  const definition = yield* system.register(Persona.make(Effect.succeed(ScriptedBackend.layers)))
  return system.ref(definition, "Helper AI")
})

describe("the actor of a persona", () => {
  it.effect("appends question and answer at once, and only for the turn that is open", () =>
    Effect.gen(function* () {
      const helper = yield* persona(ActorStorageMemory.layer)
      const { history, turn } = yield* helper.begin({ conversation: "a" })
      assert.deepStrictEqual(history, [])
      assert.deepStrictEqual(yield* helper.recall({ conversation: "a" }), [])
      const lost = { conversation: "a", turn: turn + 1, question: "q", answer: "a" }
      assert.strictEqual((yield* Effect.flip(helper.commit(lost)))._tag, "TurnLost")
      yield* helper.commit({ ...lost, turn })
      assert.deepStrictEqual(yield* helper.recall({ conversation: "a" }), [
        { role: "user", content: "q" },
        { role: "assistant", content: "a" }
      ])
      assert.strictEqual((yield* Effect.flip(helper.commit({ ...lost, turn })))._tag, "TurnLost")
      assert.strictEqual((yield* helper.profile({})).answered, 1)
    }).pipe(Effect.scoped)
  )

  it.effect("keeps a conversation for one turn, until it is committed, abandoned, or too old", () =>
    Effect.gen(function* () {
      const helper = yield* persona(ActorStorageMemory.layer)
      const first = yield* helper.begin({ conversation: "a" })
      assert.strictEqual((yield* Effect.flip(helper.begin({ conversation: "a" })))._tag, "ConversationBusy")
      yield* helper.begin({ conversation: "b" })
      // Abandoning another turn changes nothing.
      yield* helper.abandon({ conversation: "a", turn: first.turn + 7 })
      assert.strictEqual((yield* Effect.flip(helper.begin({ conversation: "a" })))._tag, "ConversationBusy")
      yield* helper.abandon({ conversation: "a", turn: first.turn })
      yield* helper.begin({ conversation: "a" })
      yield* TestClock.adjust(Limits.turnMsMax - 1)
      assert.strictEqual((yield* Effect.flip(helper.begin({ conversation: "b" })))._tag, "ConversationBusy")
      yield* TestClock.adjust(1)
      yield* helper.begin({ conversation: "b" })
    }).pipe(Effect.scoped)
  )

  it.effect("answers as many prompts at once as its limit, and forgets a conversation with its open turn", () =>
    Effect.gen(function* () {
      const helper = yield* persona(ActorStorageMemory.layer)
      for (let i = 0; i < Limits.openTurnsMax; i++) yield* helper.begin({ conversation: `c${i}` })
      assert.strictEqual((yield* Effect.flip(helper.begin({ conversation: "one more" })))._tag, "PersonaBusy")
      yield* helper.forget({ conversation: "c0" })
      const { turn } = yield* helper.begin({ conversation: "one more" })
      yield* helper.commit({ conversation: "one more", turn, question: "q", answer: "a" })
      yield* helper.forget({ conversation: "one more" })
      assert.deepStrictEqual(yield* helper.recall({ conversation: "one more" }), [])
    }).pipe(Effect.scoped)
  )

  it.effect("remembers across a restart what was committed, and lets go of turns that were open", () =>
    Effect.gen(function* () {
      const disk = Context.get(yield* Layer.build(ActorStorageMemory.layer), ActorStorage)
      const storage = Layer.succeed(ActorStorage, disk)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const helper = yield* persona(storage)
          const { turn } = yield* helper.begin({ conversation: "a" })
          yield* helper.commit({ conversation: "a", turn, question: "q", answer: "a" })
          yield* helper.wear(["sorting"])
          yield* helper.begin({ conversation: "a" })
        })
      )
      const helper = yield* persona(storage)
      assert.strictEqual((yield* helper.begin({ conversation: "a" })).history.length, 2)
      assert.deepStrictEqual((yield* helper.profile({})).layers, ["sorting"])
    }).pipe(Effect.scoped)
  )
})
