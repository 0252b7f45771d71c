import { fromRpcs } from "@continuum/actors/Actor"
import * as ActorStorageMemory from "@continuum/actors/ActorStorageMemory"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { register, scenarios } from "@continuum/actors/testing/RouterScenarios"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, References, Schema, Tracer } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { TestClock } from "effect/testing"
import { envelopeTo } from "./support/Echo.ts"
import { Hub, type Node, start } from "./support/Hub.ts"
import { settle } from "./support/Player.ts"

const quiet = Effect.provideService(References.MinimumLogLevel, "None")

/** An actor system on a node of the mesh. */
const systemOn = (node: Node | undefined, spans?: { readonly ratio: number }) =>
  Effect.gen(function* () {
    const layer = ActorSystem.layer({
      stopTimeout: 50,
      ...(spans === undefined ? {} : { spans }),
      ...(node === undefined ? {} : { delivery: node.delivery })
    })
    const system = Context.get(yield* Layer.build(Layer.provide(layer, ActorStorageMemory.layer)), ActorSystem)
    yield* Effect.provideService(register, ActorSystem, system)
    return system
  })

/** Two nodes that grant each other everything, each with a system. */
const twoSystemsWith = (spans?: { readonly ratio: number }) =>
  Effect.gen(function* () {
    const hub = new Hub()
    const [a, b] = [yield* start(hub, 1), yield* start(hub, 2)]
    yield* a.mesh.add(b.key)
    yield* b.mesh.add(a.key)
    return { a, b, here: yield* systemOn(a, spans), there: yield* systemOn(b, spans) }
  })
const twoSystems = twoSystemsWith()

describe("an actor asked by its address does the same in this process and on another node:", () => {
  for (const { expected, name, see } of scenarios) {
    it.live(name, () =>
      Effect.gen(function* () {
        const alone = yield* systemOn(undefined)
        const local = see({ realm: "local", back: "local", run: "local" })
        expect(yield* Effect.provideService(local, ActorSystem, alone)).toEqual(expected)
        const { a, b, here } = yield* twoSystems
        for (const realm of [b.realm, b.key, "node-2"]) {
          const place = { realm, back: a.realm, run: `at-${realm}` }
          expect(yield* Effect.provideService(see(place), ActorSystem, here), `at ${realm}`).toEqual(expected)
        }
      }).pipe(quiet)
    )
  }
})

class Rpcs extends RpcGroup.make(
  Rpc.make("add", { payload: { by: Schema.Number }, success: Schema.Number }),
  Rpc.make("relay", { payload: { to: Schema.String }, success: Schema.Number })
) {}

/** Counts under a span of its own; `relay` asks another one, from an async function. */
const Counter = fromRpcs("counter", Rpcs, {
  state: { schema: Schema.Number, initial: 0 },
  handlers: {
    add: (state, { by }) => Effect.withSpan(Effect.succeed(state + by), "counting"),
    relay: async (_, { to }, context): Promise<number> => context.at(Counter, to).add({ by: 1 })
  }
})

describe("the trace of an ask to another node", () => {
  /** Two systems that know the counter, and the spans that began. `ratio`: of messages that have one. */
  const tracedWith = (ratio?: number) =>
    Effect.gen(function* () {
      const spans: Array<Tracer.Span> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      const systems = yield* Effect.provideService(
        twoSystemsWith(ratio === undefined ? undefined : { ratio }),
        Tracer.Tracer,
        tracer
      )
      for (const system of [systems.here, systems.there]) yield* system.register(Counter)
      // Making the nodes has spans, too.
      spans.length = 0
      return { ...systems, spans, tracer }
    })
  const traced = tracedWith()
  const parentOf = (span: Tracer.Span | undefined): Tracer.AnySpan | undefined =>
    span?.parent._tag === "Some" ? span.parent.value : undefined

  it.live("goes on over there: the span of the asker is the parent of the handler's", () =>
    Effect.gen(function* () {
      const { b, here, spans, tracer } = yield* traced
      const ask = here.at(Counter, `continuum://${b.realm}/counter/a`).add({ by: 2 })
      expect(yield* Effect.withSpan(ask, "asking").pipe(Effect.provideService(Tracer.Tracer, tracer))).toBe(2)
      const [asking, counting] = spans
      expect([asking?.name, counting?.name]).toEqual(["asking", "counting"])
      expect(counting?.traceId).toBe(asking?.traceId)
      expect(parentOf(counting)).toMatchObject({ _tag: "ExternalSpan", spanId: asking?.spanId, sampled: true })
      yield* ask
      expect(parentOf(spans[2])).toBe(undefined)
    }).pipe(quiet)
  )

  it.live("is handed on by a handler that is an async function, through a node without spans of its own", () =>
    Effect.gen(function* () {
      const { a, b, here, spans, tracer } = yield* traced
      const relay = here
        .at(Counter, `continuum://${b.realm}/counter/a`)
        .relay({ to: `continuum://${a.realm}/counter/home` })
      yield* Effect.withSpan(relay, "asking").pipe(Effect.provideService(Tracer.Tracer, tracer))
      const [asking, counting] = spans
      expect(counting?.name).toBe("counting")
      expect(parentOf(counting)).toMatchObject({ traceId: asking?.traceId, spanId: asking?.spanId })
    }).pipe(quiet)
  )

  it.live("goes through the spans of the messages, where the systems have them", () =>
    Effect.gen(function* () {
      const { a, b, here, spans } = yield* tracedWith(1)
      const to = `continuum://${a.realm}/counter/home`
      expect(yield* here.at(Counter, `continuum://${b.realm}/counter/a`).relay({ to })).toBe(1)
      const [relay, add, counting] = spans
      expect(spans.map(({ name }) => name)).toEqual(["counter.relay", "counter.add", "counting"])
      expect(parentOf(relay)).toBe(undefined)
      expect(parentOf(add)).toMatchObject({ _tag: "ExternalSpan", spanId: relay?.spanId })
      expect(parentOf(counting)?.spanId).toBe(add?.spanId)
    }).pipe(quiet)
  )

  it.live("that cannot be read is left out, and the ask is answered", () =>
    Effect.gen(function* () {
      const { a, b, spans } = yield* traced
      const to = { realm: b.realm, kind: "counter", name: "a" }
      const envelope = envelopeTo(b.realm, { by: 1 }, { to, message: "add", traceparent: "what is this" })
      expect(yield* a.delivery.ask(envelope)).toEqual({ _tag: "Replied", value: 1 })
      expect(parentOf(spans[0])).toBe(undefined)
    }).pipe(quiet)
  )
})

describe("an ask to another node that is not answered at once", () => {
  it.effect("fails at its deadline, and interrupts its handler", () =>
    Effect.gen(function* () {
      let interrupted = 0
      const Waiting = fromRpcs("waiting", RpcGroup.make(Rpc.make("wait", { success: Schema.Number })), {
        state: { schema: Schema.Number, initial: 0 },
        handlers: { wait: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void interrupted++)) }
      })
      const { b, here, there } = yield* twoSystems
      yield* there.register(Waiting)
      const address = `continuum://${b.realm}/waiting/a`
      const asking = yield* Effect.forkChild(Effect.flip(here.at(Waiting, address, { timeout: "3 seconds" }).wait()), {
        startImmediately: true
      })
      yield* settle
      yield* TestClock.adjust("4 seconds")
      expect(yield* Fiber.join(asking)).toMatchObject({ _tag: "AskTimeout", address, messageName: "wait" })
      yield* settle
      expect(interrupted).toBe(1)
    }).pipe(quiet)
  )
})
