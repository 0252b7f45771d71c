/** Personas of another node, by the typed client and by OpenAI's; the mesh is in memory, the models are scripted. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, References, Stream } from "effect"
import OpenAI from "openai"
import * as MeshedNodes from "./support/MeshedNodes.ts"

const quiet = Effect.provideService(References.MinimumLogLevel, "None")
const clientOf = ({ url }: { readonly url: string }) =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: "any", maxRetries: 0 })
const user = (content: string) => [{ role: "user" as const, content }]

/** The error that a call of OpenAI's client ends with. */
const refusal = (run: () => Promise<unknown>) =>
  Effect.promise(() =>
    run().then(
      () => assert.fail("it was answered"),
      (error: unknown) => {
        if (error instanceof OpenAI.APIError) return { status: error.status, code: error.code, message: error.message }
        throw error
      }
    )
  )

describe("a persona of another node", () => {
  it.live("answers as one of this node: text streams, and the end names the node that answered by its key", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* MeshedNodes.start
      for (const mesh of ["bee", bee.key, bee.realm]) {
        const request = { prompt: "reverse hello", persona: "teacher-ai", mesh }
        const chunks = yield* Stream.runCollect(ant.client["ai.generate"](request))
        assert.strictEqual(chunks.map((chunk) => (chunk._tag === "Text" ? chunk.text : "")).join(""), "olleh")
        assert.isAbove(chunks.length, 2)
        const end = {
          _tag: "Done" as const,
          persona: "Teacher AI",
          node: "bee",
          nodeKey: bee.key,
          reason: "stop" as const
        }
        assert.deepInclude(chunks.at(-1)!, end)
      }
      assert.deepStrictEqual([ant.script.begun, bee.script.begun], [0, 3])
      const list = yield* ant.client["personas.list"]({ mesh: "bee" })
      assert.deepStrictEqual(
        list.map(({ address, id }) => [id, address]),
        [
          ["helper-ai", `continuum://${bee.realm}/persona/Helper%20AI`],
          ["teacher-ai", `continuum://${bee.realm}/persona/Teacher%20AI`]
        ]
      )
      for (const mesh of ["ant", "local", ant.key]) {
        const own = yield* Stream.runCollect(ant.client["ai.generate"]({ prompt: "reverse hello", mesh }))
        assert.deepInclude(own.at(-1)!, { node: "ant", nodeKey: ant.key })
      }
      assert.strictEqual(ant.script.begun, 3)
    }).pipe(Effect.scoped, quiet)
  )

  it.live("fails with the error itself: of the persona, of the model in mid-answer, of the way, of the grant", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* MeshedNodes.start
      const failure = (request: Parameters<(typeof ant.client)["ai.generate"]>[0]) =>
        Effect.flip(Stream.runDrain(ant.client["ai.generate"](request)))
      const unknown = yield* failure({ prompt: "x", persona: "Techer AI", mesh: "bee" })
      assert.deepInclude(unknown, { _tag: "PersonaUnknown", name: "Techer AI" })
      assert.include(unknown.message, 'Did you mean "Teacher AI"')
      bee.script.failAfter = 3
      assert.strictEqual((yield* failure({ prompt: "speak", layers: [], mesh: "bee" }))._tag, "BackendFailed")
      const remembered = yield* failure({ prompt: "x", persona: "Bard AI", conversation: "c", mesh: "bee" })
      assert.deepInclude(remembered, { _tag: "ConversationElsewhere", conversation: "c" })
      assert.strictEqual((yield* failure({ prompt: "x", mesh: "cow" }))._tag, "PeerUnreachable")
      yield* bee.mesh.grant(ant.key, ["actors.ask", "jit.run"])
      for (const error of [
        yield* failure({ prompt: "x", mesh: "bee" }),
        yield* Effect.flip(ant.client["personas.list"]({ mesh: "bee" }))
      ]) {
        assert.deepInclude(error, { _tag: "NotGranted", action: "ai.generate" })
      }
    }).pipe(Effect.scoped, quiet)
  )

  it.live(
    "answers in a conversation that stays on this node: what was said goes along, and only this one remembers",
    () =>
      Effect.gen(function* () {
        const { ant, bee } = yield* MeshedNodes.start
        const request = { persona: "teacher-ai", conversation: "c", layers: [], mesh: "bee" }
        const recall = ({ system }: MeshedNodes.Node) =>
          Effect.map(
            system.askUnknown("continuum://local/persona/Teacher%20AI", "recall", { conversation: "c" }),
            (turns) => (turns as ReadonlyArray<{ content: string }>).length
          )
        yield* Stream.runDrain(ant.client["ai.generate"]({ ...request, prompt: "first" }))
        yield* Stream.runDrain(ant.client["ai.generate"]({ ...request, prompt: "second" }))
        assert.deepStrictEqual([yield* recall(ant), yield* recall(bee)], [4, 0])
        const turns = bee.script.requests.at(-1)!.turns.map(({ content }) => content)
        assert.includeMembers(turns, ["first", "second"])
        // One that fails in the middle is not remembered, and keeps nobody waiting.
        bee.script.failAfter = 3
        yield* Effect.flip(Stream.runDrain(ant.client["ai.generate"]({ ...request, prompt: "speak" })))
        bee.script.failAfter = undefined
        assert.strictEqual(yield* recall(ant), 4)
        yield* Stream.runDrain(ant.client["ai.generate"]({ ...request, mesh: "local", prompt: "third" }))
        assert.strictEqual(yield* recall(ant), 6)
      }).pipe(Effect.scoped, quiet)
  )

  it.live("stops its work when the client of this node goes, and when the connection breaks", () =>
    Effect.gen(function* () {
      const { ant, bee, hub } = yield* MeshedNodes.start
      bee.script.tokenMs = 20
      const answer = Stream.runDrain(ant.client["ai.generate"]({ prompt: "a long answer", layers: [], mesh: "bee" }))
      const gone = yield* Effect.forkChild(answer)
      while (bee.script.begun < 1) yield* Effect.sleep(5)
      yield* Effect.sleep(50)
      yield* Fiber.interrupt(gone)
      while (bee.script.interrupted < 1) yield* Effect.sleep(5)
      const cut = yield* Effect.forkChild(Effect.flip(answer))
      while (bee.script.begun < 2) yield* Effect.sleep(5)
      yield* Effect.sleep(50)
      hub.ends.at(-1)![0].breakDown("the cable")
      assert.deepInclude(yield* Fiber.join(cut), { _tag: "TransportLost", reason: "the cable" })
      while (bee.script.interrupted < 2) yield* Effect.sleep(5)
      assert.strictEqual(bee.script.ended, 0)
    }).pipe(Effect.scoped, quiet)
  )

  it.live("is a model of /v1 as teacher-ai@bee: listed, found, chatted with, streamed, with usage and history", () =>
    Effect.gen(function* () {
      const { ant, bee } = yield* MeshedNodes.start
      const client = clientOf(ant)
      const { data } = yield* Effect.promise(() => client.models.list())
      assert.deepStrictEqual(
        data.map(({ id }) => id),
        ["helper-ai", "teacher-ai", "scripted", "helper-ai@bee", "teacher-ai@bee"]
      )
      const found = yield* Effect.promise(() => client.models.retrieve("Teacher AI@bee"))
      assert.strictEqual(found.id, "teacher-ai@bee")
      const chat = yield* Effect.promise(() =>
        client.chat.completions.create({ model: "teacher-ai@bee", messages: user("reverse hello") })
      )
      assert.strictEqual(chat.choices[0]!.message.content, "olleh")
      assert.isAbove(chat.usage!.completion_tokens, 0)
      assert.deepInclude((chat as unknown as { continuum: object }).continuum, { node: "bee", nodeKey: bee.key })
      const pieces: Array<string> = []
      let usage: OpenAI.CompletionUsage | null | undefined
      yield* Effect.promise(async () => {
        const stream = await client.chat.completions.create({
          model: `helper-ai@${bee.key}`,
          messages: user("reverse water"),
          stream: true,
          stream_options: { include_usage: true }
        })
        for await (const chunk of stream) {
          const content = chunk.choices[0]?.delta.content
          if (content) pieces.push(content)
          usage = chunk.usage ?? usage
        }
      })
      assert.strictEqual(pieces.join(""), "retaw")
      assert.isAbove(pieces.length, 1)
      assert.strictEqual(usage!.completion_tokens, chat.usage!.completion_tokens)
      assert.deepStrictEqual([ant.script.begun, bee.script.begun], [0, 2])
    }).pipe(Effect.scoped, quiet)
  )

  it.live(
    "that is none, or whose node does not let this one ask or is not there, is an error with its status at /v1",
    () =>
      Effect.gen(function* () {
        const { ant, bee } = yield* MeshedNodes.start
        const client = clientOf(ant)
        const chat = (model: string) =>
          refusal(() => client.chat.completions.create({ model, messages: user("reverse hello") }))
        const unknown = yield* chat("techer-ai@bee")
        assert.deepInclude(unknown, { status: 404, code: "model_not_found" })
        assert.include(unknown.message, "Teacher AI")
        const retrieved = yield* refusal(() => client.models.retrieve("techer-ai@bee"))
        assert.deepInclude(retrieved, { status: 404, code: "model_not_found" })
        assert.deepInclude(yield* chat("teacher-ai@cow"), { status: 502, code: "peer_unreachable" })
        yield* bee.mesh.grant(ant.key, ["actors.ask"])
        assert.deepInclude(yield* chat("teacher-ai@bee"), { status: 403, code: "not_granted" })
        const { data } = yield* Effect.promise(() => client.models.list())
        assert.deepStrictEqual(
          data.map(({ id }) => id),
          ["helper-ai", "teacher-ai", "scripted"]
        )
      }).pipe(Effect.scoped, quiet)
  )
})
