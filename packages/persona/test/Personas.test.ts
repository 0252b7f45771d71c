import { assert, describe, it } from "@effect/vitest"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import * as ActorStorageMemory from "@continuum/actors/ActorStorageMemory"
import * as ContentId from "@continuum/core/ContentId"
import { ThoughtStream } from "@continuum/actors/thoughtstream/ThoughtStream"
import type { StateChange } from "@continuum/persona/Cognition"
import type { CognitiveEvent } from "@continuum/persona/Event"
import * as Limits from "@continuum/persona/Limits"
import * as PersonaId from "@continuum/persona/PersonaId"
import * as Personas from "@continuum/persona/Personas"
import { Library, layerPages } from "@continuum/persona/retrieval/Library"
import { Effect, Fiber, Layer, Stream } from "effect"
import * as ScriptedBackend from "./support/ScriptedBackend.ts"

const pages = [
  { source: "a.md", text: "# Pages\n\n## Gravity\n\nGravity pulls.\n\n## Tides\n\nTides follow the moon by gravity." }
]

/** Pages that say how often they were read. */
const countedPages = (reads: { count: number }) =>
  Layer.effect(
    Library,
    Effect.gen(function* () {
      const { index, sources } = yield* Effect.provide(Library, layerPages(pages))
      const once = yield* Effect.cached(
        Effect.andThen(
          Effect.sync(() => void reads.count++),
          index
        )
      )
      return { index: once, sources }
    })
  )

const setup = (library = layerPages(pages), layers = ScriptedBackend.layers) => {
  const script = ScriptedBackend.make()
  const system = ActorSystem.layer({ nodeName: "here" }).pipe(Layer.provide(ActorStorageMemory.layer))
  const services = Personas.layer({ layers: Effect.succeed(layers) }).pipe(
    Layer.provideMerge(Layer.mergeAll(system, ScriptedBackend.layer(script), library))
  )
  return { script, services }
}

/** The same, where so many answers are given at once. */
const setupTurns = (slots: number) => {
  const script = ScriptedBackend.make()
  const turns = ThoughtStream.layer({ turnsPerProcess: Number.POSITIVE_INFINITY, budget: { slots } })
  const system = ActorSystem.layer({ nodeName: "here" }).pipe(Layer.provide(ActorStorageMemory.layer))
  const services = Personas.layer({ layers: Effect.succeed(ScriptedBackend.layers) }).pipe(
    Layer.provideMerge(turns),
    Layer.provideMerge(Layer.mergeAll(system, ScriptedBackend.layer(script), layerPages(pages)))
  )
  return { script, services }
}

const event = (prompt: string, conversation?: string, more: Partial<CognitiveEvent> = {}): CognitiveEvent => ({
  domain: "chat",
  context: conversation === undefined ? { _tag: "History", turns: [] } : { _tag: "Conversation", id: conversation },
  prompt,
  ...more
})

const answer = Effect.fnUntraced(function* (name: string, one: CognitiveEvent) {
  const personas = yield* Personas.Personas
  const changes = yield* Stream.runCollect(personas.process(name, one))
  const done = changes.at(-1) as Extract<StateChange, { _tag: "Done" }>
  return { ...done, text: changes.map((change) => (change._tag === "Text" ? change.text : "")).join("") }
})

const address = "continuum://local/persona/Helper%20AI"
const recall = (conversation: string) =>
  Effect.flatMap(ActorSystem, (system) => system.askUnknown(address, "recall", { conversation })).pipe(
    Effect.map((turns) => (turns as ReadonlyArray<{ content: string }>).map(({ content }) => content))
  )
const waitUntil = (holds: () => boolean) =>
  Effect.gen(function* () {
    while (!holds()) yield* Effect.sleep(1)
  })

describe("personas", () => {
  it.effect("are there from the first start, as actors, and are found by name and by id", () => {
    const { services } = setup()
    return Effect.gen(function* () {
      const personas = yield* Personas.Personas
      const list = yield* personas.list
      assert.deepStrictEqual(
        list.map(({ address, id, name }) => [name, id, address]),
        [
          ["Helper AI", "helper-ai", "continuum://local/persona/Helper%20AI"],
          ["Teacher AI", "teacher-ai", "continuum://local/persona/Teacher%20AI"]
        ]
      )
      for (const name of ["Teacher AI", "teacher-ai", "teacher ai"]) {
        assert.strictEqual(yield* personas.find(name), "Teacher AI")
      }
    }).pipe(Effect.provide(services))
  })

  it.effect("that do not exist are an error with the nearest names, as are their addresses", () => {
    const { services } = setup()
    return Effect.gen(function* () {
      const personas = yield* Personas.Personas
      const nearest = (name: string) => Effect.map(Effect.flip(personas.find(name)), (error) => error.nearest)
      assert.strictEqual((yield* nearest("Techer AI"))[0], "Teacher AI")
      assert.strictEqual((yield* nearest("helper"))[0], "Helper AI")
      assert.deepStrictEqual(yield* nearest("xyzzy"), ["Helper AI", "Teacher AI"])
      const system = yield* ActorSystem
      for (const name of ["Nobody", "helper-ai", "constructor"]) {
        const error = yield* Effect.flip(system.askUnknown(`continuum://local/persona/${name}`, "profile", {}))
        assert.strictEqual(error._tag, "AddressUnknown")
      }
    }).pipe(Effect.provide(services))
  })

  it.effect("read their pages when they are told to prepare, and not again for the first question", () => {
    const reads = { count: 0 }
    const { services } = setup(countedPages(reads))
    return Effect.gen(function* () {
      const personas = yield* Personas.Personas
      assert.strictEqual(reads.count, 0)
      yield* personas.prepare
      assert.strictEqual(reads.count, 1)
      assert.include((yield* answer("Helper AI", event("what is gravity?"))).text, "Gravity pulls.")
      assert.strictEqual(reads.count, 1)
    }).pipe(Effect.provide(services))
  })

  it.effect("wear one layer of a name, the first, where a home has an older one as well", () => {
    const older = ScriptedBackend.layers.map((one) => ({ ...one, contentId: ContentId.of(`older ${one.name}`) }))
    const { script, services } = setup(layerPages(pages), [...ScriptedBackend.layers, ...older])
    return Effect.gen(function* () {
      assert.strictEqual((yield* answer("Helper AI", event("What is 12 + 7?"))).text, "19")
      assert.deepStrictEqual(script.requests[0]!.layers, [{ contentId: ContentId.of("arithmetic") }])
    }).pipe(Effect.provide(services))
  })

  it.effect("do an exercise without having read a page", () => {
    const reads = { count: 0 }
    const { services } = setup(countedPages(reads))
    return Effect.gen(function* () {
      assert.strictEqual((yield* answer("Helper AI", event("What is 12 + 7?"))).text, "19")
      assert.strictEqual(reads.count, 0)
    }).pipe(Effect.provide(services))
  })

  it.effect("give a turn to the best bid: the model with one layer for an exercise, the pages for a question", () => {
    const { script, services } = setup()
    return Effect.gen(function* () {
      const sum = yield* answer("Helper AI", event("What is 12 + 7?"))
      assert.strictEqual(sum.text, "19")
      assert.strictEqual(sum.trace.worker, "model")
      const { contentId, name } = ScriptedBackend.layers[0]!
      assert.deepStrictEqual(sum.trace.layers, [{ name, contentId }])
      // How often the layer was right when it was measured.
      assert.strictEqual(sum.trace.bids[0]!.confidence, 0.45)
      assert.deepStrictEqual(
        sum.trace.bids.map(({ worker }) => worker),
        ["model", "retrieval", "introduction"]
      )
      assert.strictEqual(sum.trace.tokens, 2)
      const quoted = yield* answer("Helper AI", event("what is gravity?"))
      assert.strictEqual(quoted.text, 'Gravity pulls.\n\nSource: a.md, "Gravity"')
      assert.strictEqual(quoted.trace.worker, "retrieval")
      assert.deepStrictEqual(quoted.trace.sources, [{ source: "a.md", heading: "Gravity" }])
      // The one that lost was never asked to compute.
      assert.strictEqual(script.requests.length, 1)
    }).pipe(Effect.provide(services))
  })

  it.effect("greet who greets them, say what they can do, and quote no page for it", () => {
    const { script, services } = setup()
    return Effect.gen(function* () {
      const hello = yield* answer("Teacher AI", event("Hello, Teacher!"))
      assert.match(hello.text, /^Hello! I am Teacher AI/)
      assert.deepInclude(hello.trace, { worker: "introduction", sources: [], layers: [] })
      assert.deepInclude(hello.trace.bids[0], { worker: "introduction", confidence: 1, reason: "greeting" })
      const beyond = yield* answer("Helper AI", event("What is 100+100?"))
      assert.match(beyond.text, /^That is more than I have learned/)
      // Who asks for the model by its layers gets it, whatever he says.
      assert.strictEqual((yield* answer("Helper AI", event("hello", undefined, { layers: [] }))).trace.worker, "model")
      assert.strictEqual(script.requests.length, 1)
    }).pipe(Effect.provide(services))
  })

  it.effect("remember a conversation, each its own, and nothing when the caller keeps it", () => {
    const { services } = setup()
    return Effect.gen(function* () {
      yield* answer("Helper AI", event("what is gravity?", "a"))
      yield* answer("Helper AI", event("1+1=", "b"))
      const more = yield* answer("Helper AI", event("tell me more", "a"))
      assert.include(more.text, "Tides")
      yield* answer("Helper AI", event("2+2="))
      assert.deepStrictEqual(
        (yield* recall("a")).filter((_, i) => i % 2 === 0),
        ["what is gravity?", "tell me more"]
      )
      assert.deepStrictEqual(yield* recall("b"), ["1+1=", "2"])
      const personas = yield* Personas.Personas
      assert.strictEqual((yield* personas.list)[0]!.answered, 3)
    }).pipe(Effect.provide(services))
  })

  it.live("answer two conversations at once without mixing them, and refuse a second turn in the same one", () => {
    const { script, services } = setup()
    script.tokenMs = 3
    return Effect.gen(function* () {
      const layers = [] as const
      const prompts = Array.from({ length: 6 }, (_, i) => `text of conversation ${i}`)
      const answers = yield* Effect.forEach(
        prompts,
        (prompt, i) => answer("Helper AI", event(prompt, `c${i}`, { layers })),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        answers.map(({ text }) => text),
        prompts.map((prompt) => `heard: user=${prompt}`)
      )
      for (const [i, prompt] of prompts.entries()) {
        assert.deepStrictEqual(yield* recall(`c${i}`), [prompt, `heard: user=${prompt}`])
      }
      const long = yield* Effect.forkChild(answer("Helper AI", event("something long to say", "c0", { layers })))
      const begun = script.begun
      yield* waitUntil(() => script.begun > begun - 1 && script.requests.length === 7)
      const busy = yield* Effect.flip(answer("Helper AI", event("me too", "c0", { layers })))
      assert.strictEqual(busy._tag, "ConversationBusy")
      // The model sees what was said in this conversation.
      assert.include((yield* Fiber.join(long)).text, "user=text of conversation 0 / assistant=heard")
    }).pipe(Effect.provide(services))
  })

  it.live("leave a conversation as it was when a turn fails or its client goes, and then the work stops", () => {
    const { script, services } = setup()
    return Effect.gen(function* () {
      yield* answer("Helper AI", event("1+1=", "a"))
      script.failAfter = 4
      const failed = yield* Effect.flip(answer("Helper AI", event("speak", "a", { layers: [] })))
      assert.strictEqual(failed._tag, "BackendFailed")
      script.failAfter = undefined
      script.tokenMs = 20
      const fiber = yield* Effect.forkChild(answer("Helper AI", event("speak", "a", { layers: [] })))
      yield* waitUntil(() => script.begun === 3)
      yield* Effect.sleep(30)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual([script.begun, script.ended, script.interrupted], [3, 1, 1])
      assert.deepStrictEqual(yield* recall("a"), ["1+1=", "2"])
      // Neither keeps the conversation.
      script.tokenMs = 0
      assert.strictEqual((yield* answer("Helper AI", event("2+2=", "a"))).text, "4")
    }).pipe(Effect.provide(services))
  })

  it.live("speak in order of their priority where not all can at once, and one that speaks makes way", () => {
    const { script, services } = setupTurns(1)
    script.tokenMs = 3
    return Effect.gen(function* () {
      const stream = yield* ThoughtStream
      const ended: Array<string> = []
      const ask = (name: string, prompt: string, priority?: number) =>
        Effect.forkChild(
          Effect.tap(
            answer(name, event(prompt, undefined, { layers: [], ...(priority === undefined ? {} : { priority }) })),
            () => Effect.sync(() => ended.push(prompt))
          )
        )
      const first = yield* ask("Helper AI", "first", 140)
      yield* waitUntil(() => script.begun === 1)
      const waiting = [yield* ask("Helper AI", "low", 100), yield* ask("Teacher AI", "second")]
      yield* waitUntil(() => Effect.runSync(stream.queue).length === 3)
      assert.deepStrictEqual(
        (yield* stream.queue).map(({ name, phase }) => [name, phase]),
        [
          ["Helper AI", "runs"],
          ["Teacher AI", "waits"],
          ["Helper AI", "waits"]
        ]
      )
      const urgent = yield* ask("Teacher AI", "urgent", 250)
      for (const fiber of [first, urgent, ...waiting]) yield* Fiber.join(fiber)
      assert.deepStrictEqual(ended, ["urgent", "first", "second", "low"])
      assert.deepStrictEqual(script.begun, 4)
      const spans = stream.trace.entries.flatMap((entry) => (entry._tag === "Span" ? [entry] : []))
      assert.deepStrictEqual(
        spans.map(({ end, name }) => [name, end]),
        [
          ["Helper AI", "suspended"],
          ["Teacher AI", "done"],
          ["Helper AI", "done"],
          ["Teacher AI", "done"],
          ["Helper AI", "done"]
        ]
      )
      const { costTokens, state } = (yield* stream.process(PersonaId.of("Helper AI")))!
      assert.strictEqual(state, "sleeping")
      // Measured, and no guess any more.
      assert.notStrictEqual(costTokens, 500)
      assert.deepStrictEqual(yield* stream.queue, [])
    }).pipe(Effect.provide(services))
  })

  it.live("free their turns when an answer fails or its reader goes", () => {
    const { script, services } = setupTurns(1)
    return Effect.gen(function* () {
      const stream = yield* ThoughtStream
      script.failAfter = 2
      yield* Effect.flip(answer("Helper AI", event("speak", undefined, { layers: [] })))
      script.failAfter = undefined
      script.tokenMs = 20
      const fiber = yield* Effect.forkChild(answer("Helper AI", event("speak", undefined, { layers: [] })))
      yield* waitUntil(() => script.begun === 2)
      const next = yield* Effect.forkChild(answer("Teacher AI", event("1+1=")))
      yield* waitUntil(() => Effect.runSync(stream.queue).length === 2)
      // One that waits may give up, too.
      const impatient = yield* Effect.forkChild(answer("Teacher AI", event("3+3=")))
      yield* waitUntil(() => Effect.runSync(stream.queue).length === 3)
      yield* Fiber.interrupt(impatient)
      assert.deepStrictEqual(
        (yield* stream.queue).map(({ phase }) => phase),
        ["runs", "waits"]
      )
      yield* Fiber.interrupt(fiber)
      assert.strictEqual((yield* Fiber.join(next)).text, "2")
      const ends = stream.trace.entries.flatMap((entry) => (entry._tag === "Span" ? [entry.end] : []))
      assert.deepStrictEqual(ends, ["died", "died", "done"])
      assert.deepStrictEqual(yield* stream.queue, [])
    }).pipe(Effect.provide(services))
  })

  it.effect("wear other layers from the next turn on, and insist on those that exist", () => {
    const { services } = setup()
    return Effect.gen(function* () {
      const system = yield* ActorSystem
      assert.strictEqual((yield* answer("Helper AI", event("reverse hello", "a"))).text, "olleh")
      yield* system.askUnknown(address, "wear", ["Sorting", "arithmetic"])
      const without = yield* answer("Helper AI", event("reverse hello", "a"))
      assert.include(without.text, 'That is for the layer "reversing"')
      assert.strictEqual((yield* answer("Helper AI", event("sort hello", "a"))).text, "ehllo")
      // Named for one turn: the conversation goes on with another composition.
      const named = yield* answer("Helper AI", event("reverse hello", "a", { layers: ["reversing"] }))
      assert.strictEqual(named.text, "olleh")
      assert.deepStrictEqual(
        named.trace.layers.map(({ name }) => name),
        ["reversing"]
      )
      assert.strictEqual((yield* recall("a")).length, 8)
      const unknown = yield* Effect.flip(answer("Helper AI", event("x", "a", { layers: ["sortin"] })))
      assert.deepInclude(unknown, { _tag: "LayerNameUnknown", name: "sortin", nearest: ["sorting"] })
      const refused = yield* Effect.flip(system.askUnknown(address, "wear", ["nothing"]))
      assert.strictEqual(refused._tag, "HandlerFailed")
    }).pipe(Effect.provide(services))
  })

  it.effect("give the model the newest of what was said, as far as its context has room for an answer", () => {
    const { script, services } = setup()
    return Effect.gen(function* () {
      const history = Array.from({ length: 20 }, (_, i) => ({
        role: i % 2 === 0 ? ("user" as const) : ("assistant" as const),
        content: `turn ${i} of the conversation`
      }))
      const context = { _tag: "History" as const, turns: history }
      yield* answer("Helper AI", event("and now?", undefined, { context, layers: [] }))
      const { turns } = script.requests[0]!
      assert.strictEqual(turns.at(-1)!.content, "and now?")
      assert.strictEqual(turns.at(-2)!.content, "turn 19 of the conversation")
      assert.isAbove(turns.length, 3)
      assert.isBelow(turns.length, 12)
    }).pipe(Effect.provide(services))
  })

  it.effect("refuse an empty prompt and one of more bytes than they read, and take one of exactly as many", () => {
    const { services } = setup()
    return Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(answer("Helper AI", event(" \n"))))._tag, "PromptEmpty")
      const fits = "é".repeat(Limits.promptBytesMax / 2)
      assert.include((yield* answer("Helper AI", event(fits))).text, "I do not know")
      const error = yield* Effect.flip(answer("Helper AI", event(`${fits}a`)))
      assert.deepInclude(error, { _tag: "PromptTooLarge", bytes: Limits.promptBytesMax + 1 })
      const long = yield* Effect.flip(answer("Helper AI", event("a".repeat(300), "a", { layers: [] })))
      assert.deepInclude(long, { _tag: "PromptTooLong", contextTokens: ScriptedBackend.contextTokens })
      assert.deepStrictEqual(yield* recall("a"), [])
    }).pipe(Effect.provide(services))
  })
})
