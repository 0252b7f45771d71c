/** The door for OpenAI's clients, on a real port, with their own client; the model behind it is scripted. */
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { BackendBusy } from "@continuum/genome/backend/BackendError"
import * as Personas from "@continuum/persona/Personas"
import { layerPages } from "@continuum/persona/retrieval/Library"
import { layer as layerHttpServer } from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, type Scope } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"
import OpenAI from "openai"
import * as ScriptedBackend from "../../../packages/persona/test/support/ScriptedBackend.ts"
import * as OpenAi from "../src/http/OpenAi.ts"
import * as OpenAiError from "../src/http/OpenAiError.ts"
import { NodeInfo } from "../src/NodeInfo.ts"
import * as Stop from "../src/Stop.ts"

const pages = [{ source: "a.md", text: "# Pages\n\n## Gravity\n\nGravity pulls things together.\n\nAlso apples." }]

/** A port with the door, and a client of it. */
const serve = Effect.gen(function* () {
  const script = ScriptedBackend.make()
  const info = Layer.succeed(NodeInfo, {
    name: "tester",
    publicKey: "",
    url: "",
    port: 0,
    languages: [],
    runtime: "test",
    startedAtMs: 1_000_000_000_000,
    memoryBytes: Effect.succeed(0)
  })
  const parts = Personas.layer({ layers: Effect.succeed(ScriptedBackend.layers) }).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        ActorSystem.layerWithoutStorage(),
        ScriptedBackend.layer(script),
        layerPages(pages),
        info,
        Stop.layer
      )
    )
  )
  const server = yield* Layer.build(
    HttpRouter.serve(OpenAi.layer, { disableLogger: true, disableListenLog: true }).pipe(
      Layer.provideMerge(layerHttpServer(createServer, { port: 0, host: "127.0.0.1", gracefulShutdownTimeout: 100 })),
      Layer.provide(parts)
    )
  )
  const { address } = yield* Effect.provide(HttpServer.HttpServer, server)
  const url = `http://127.0.0.1:${address._tag === "UnixPathAddress" ? 0 : address.port}`
  return { script, url, client: new OpenAI({ baseURL: `${url}/v1`, apiKey: "any", maxRetries: 0 }) }
})

const withDoor = <A, E>(
  body: (door: Effect.Success<typeof serve>) => Effect.Effect<A, E, Scope.Scope>
): Effect.Effect<A, E> => Effect.scoped(Effect.flatMap(Effect.orDie(serve), body))

const promise = <A>(run: () => Promise<A>) => Effect.promise(run)
const user = (content: string) => [{ role: "user" as const, content }]

/** The error that a call of the client ends with. */
const failure = (run: () => Promise<unknown>) =>
  promise(() =>
    run().then(
      () => assert.fail("it was answered"),
      (error: unknown) => {
        if (error instanceof OpenAI.APIError) return error
        throw error
      }
    )
  )

const post = (url: string, body: string) =>
  promise(async () => {
    const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", body })
    return { status: response.status, body: (await response.json()) as any }
  })

describe("the door for OpenAI's clients", () => {
  it.live("lists personas and the bare model, and finds one by id or name", () =>
    withDoor(({ client }) =>
      Effect.gen(function* () {
        const { data } = yield* promise(() => client.models.list())
        assert.deepStrictEqual(
          data.map(({ id }) => id),
          ["helper-ai", "teacher-ai", "scripted"]
        )
        assert.deepStrictEqual(yield* promise(() => client.models.retrieve("Teacher AI")), data[1]!)
        assert.strictEqual((yield* promise(() => client.models.retrieve("scripted"))).created, 1_000_000_000)
        const unknown = yield* failure(() => client.models.retrieve("gpt-4"))
        assert.deepInclude({ status: unknown.status, code: unknown.code }, { status: 404, code: "model_not_found" })
      })
    )
  )

  it.live("chats: text, reason, usage, and the trace of the persona", () =>
    withDoor(({ client }) =>
      Effect.gen(function* () {
        const sum = yield* promise(() =>
          client.chat.completions.create({ model: "helper-ai", messages: user("What is 12 + 7?") })
        )
        assert.strictEqual(sum.choices[0]!.message.content, "19")
        assert.strictEqual(sum.choices[0]!.finish_reason, "stop")
        assert.strictEqual(sum.model, "helper-ai")
        assert.deepStrictEqual(sum.usage, { prompt_tokens: 8, completion_tokens: 2, total_tokens: 10 })
        assert.strictEqual((sum as any).continuum.worker, "model")
        const quoted = yield* promise(() =>
          client.chat.completions.create({
            model: "Teacher AI",
            messages: [
              { role: "developer", content: "Be brief." },
              {
                role: "user",
                content: [
                  { type: "text", text: "what is " },
                  { type: "text", text: "gravity?" }
                ]
              }
            ]
          })
        )
        assert.match(quoted.choices[0]!.message.content!, /^Gravity pulls.*Source: a.md, "Gravity"$/s)
      })
    )
  )

  it.live("gives the bare model all turns, and how to choose tokens", () =>
    withDoor(({ client, script }) =>
      Effect.gen(function* () {
        const answer = yield* promise(() =>
          client.chat.completions.create({
            model: "scripted",
            messages: [
              { role: "system", content: "s" },
              { role: "user", content: "u" },
              { role: "assistant", content: "a" },
              { role: "user", content: "v" }
            ],
            temperature: 0.5,
            top_p: 0.9,
            seed: 7,
            stop: [" / user=v"],
            max_completion_tokens: 50
          })
        )
        assert.strictEqual(answer.choices[0]!.message.content, "heard: system=s / user=u / assistant=a")
        const [request] = script.requests
        assert.deepStrictEqual(request!.sampling, { temperature: 0.5, topP: 0.9, seed: 7 })
        assert.deepStrictEqual([request!.stop, request!.tokensMax], [[" / user=v"], 50])
        const cut = yield* promise(() =>
          client.chat.completions.create({ model: "scripted", messages: user("abc"), max_tokens: 5, stop: null })
        )
        assert.deepStrictEqual([cut.choices[0]!.message.content, cut.choices[0]!.finish_reason], ["heard", "length"])
      })
    )
  )

  it.live("streams: a role, pieces, a reason, and the usage only when it was asked for", () =>
    withDoor(({ client, url }) =>
      Effect.gen(function* () {
        const stream = (includeUsage: boolean) =>
          promise(async () => {
            const chunks: Array<OpenAI.ChatCompletionChunk> = []
            const answer = await client.chat.completions.create({
              model: "helper-ai",
              messages: user("reverse hello"),
              stream: true,
              ...(includeUsage ? { stream_options: { include_usage: true } } : {})
            })
            for await (const chunk of answer) chunks.push(chunk)
            return chunks
          })
        const chunks = yield* stream(true)
        assert.strictEqual(chunks[0]!.choices[0]!.delta.role, "assistant")
        assert.strictEqual(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join(""), "olleh")
        assert.isAtLeast(chunks.length, 8)
        assert.strictEqual(chunks.at(-2)!.choices[0]!.finish_reason, "stop")
        assert.deepStrictEqual(chunks.at(-1)!.choices, [])
        assert.strictEqual(chunks.at(-1)!.usage!.completion_tokens, 5)
        assert.strictEqual(new Set(chunks.map(({ id }) => id)).size, 1)
        for (const chunk of yield* stream(false)) assert.notProperty(chunk, "usage")

        const raw = yield* promise(async () => {
          const body = JSON.stringify({ model: "helper-ai", messages: user("1+1="), stream: true })
          const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", body })
          return { type: response.headers.get("content-type"), text: await response.text() }
        })
        assert.include(raw.type!, "text/event-stream")
        assert.isTrue(raw.text.endsWith("data: [DONE]\n\n"))
      })
    )
  )

  it("tells a client who came when too many wait to try again later", () => {
    const response = OpenAiError.response(OpenAiError.of(new BackendBusy({ queueCapacity: 256 })))
    assert.deepInclude(response, { status: 503 })
    assert.strictEqual(response.headers["retry-after"], "1")
  })

  it.live("reads a history in which tools were called, and what asks for nothing but text", () =>
    withDoor(({ client, script }) =>
      Effect.gen(function* () {
        const call = { id: "c1", type: "function" as const, function: { name: "f", arguments: "{}" } }
        const answer = yield* promise(() =>
          client.chat.completions.create({
            model: "scripted",
            messages: [
              { role: "user", content: "what is it?" },
              { role: "assistant", content: null, tool_calls: [call] },
              { role: "tool", tool_call_id: "c1", content: "17" },
              {
                role: "user",
                content: [
                  { type: "text", text: "and " },
                  { type: "text", text: "now?" }
                ]
              }
            ],
            modalities: ["text"],
            logit_bias: {},
            function_call: "none"
          })
        )
        assert.strictEqual(answer.object, "chat.completion")
        assert.deepStrictEqual(
          script.requests[0]!.turns.map(({ content, role }) => `${role}: ${content}`),
          ["user: what is it?", "assistant: ", "system: 17", "user: and now?"]
        )
      })
    )
  )

  it.live("answers what is wrong in OpenAI's shape, before the first byte, also when it should stream", () =>
    withDoor(({ client, url }) =>
      Effect.gen(function* () {
        const failed = (body: object) =>
          Effect.map(
            failure(() =>
              client.chat.completions.create({ model: "helper-ai", messages: user("x"), ...body } as never)
            ),
            ({ code, param, status }) => [status, code, param]
          )
        assert.deepStrictEqual(yield* failed({ model: "techer-ai", stream: true }), [404, "model_not_found", "model"])
        const long = { messages: user("a".repeat(300)), model: "scripted" }
        assert.deepStrictEqual(yield* failed(long), [400, "context_length_exceeded", "messages"])
        assert.deepStrictEqual(yield* failed({ ...long, stream: true }), [400, "context_length_exceeded", "messages"])
        const longer = { messages: user("a".repeat(5000)) }
        assert.deepStrictEqual(yield* failed(longer), [400, "context_length_exceeded", "messages"])
        assert.deepStrictEqual(yield* failed({ messages: [] }), [400, null, "messages"])
        assert.deepStrictEqual(yield* failed({ temperature: 3 }), [400, null, "temperature"])
        assert.deepStrictEqual(yield* failed({ temperature: "hot" }), [400, null, "temperature"])
        assert.deepStrictEqual(yield* failed({ max_tokens: 0 }), [400, null, "max_tokens"])
        assert.deepStrictEqual(yield* failed({ n: 2 }), [400, "unsupported_parameter", "n"])
        assert.deepStrictEqual(yield* failed({ tool_choice: "required" }), [
          400,
          "unsupported_parameter",
          "tool_choice"
        ])
        assert.deepStrictEqual(yield* failed({ response_format: { type: "json_object" } }), [
          400,
          "unsupported_parameter",
          "response_format"
        ])
        const image = [{ role: "user", content: [{ type: "image_url", image_url: { url: "data:" } }] }]
        assert.deepStrictEqual(yield* failed({ messages: image }), [400, "unsupported_parameter", "messages.0.content"])
        const told = yield* post(url, JSON.stringify({ model: "helper-ai", messages: image }))
        assert.include(told.body.error.message, 'a part of the type "image_url" is not read here')
        assert.deepStrictEqual(yield* failed({ messages: [{ role: "user", content: null }] }), [
          400,
          null,
          "messages.0.content"
        ])
        for (const [param, value] of [
          ["logit_bias", { 52: -100 }],
          ["function_call", { name: "f" }],
          ["modalities", ["text", "audio"]],
          ["audio", { voice: "ash", format: "wav" }]
        ] as const) {
          assert.deepStrictEqual(yield* failed({ [param]: value }), [400, "unsupported_parameter", param])
        }
        assert.deepStrictEqual(yield* failed({ messages: [{ role: "assistant", content: "x" }] }), [
          400,
          null,
          "messages"
        ])
        assert.deepStrictEqual(yield* failed({ messages: user("   ") }), [400, null, null])

        for (const body of ["", "{", "[]", "null", '{"model":1,"messages":[]}', '"text"']) {
          const answer = yield* post(url, body)
          assert.strictEqual(answer.status, 400, body)
          assert.strictEqual(answer.body.error.type, "invalid_request_error")
          assert.isString(answer.body.error.message)
        }
      })
    )
  )

  it.live("tells a failure in the middle of a stream as an event, which the client throws", () =>
    withDoor(({ client, script }) =>
      Effect.gen(function* () {
        script.failAfter = 4
        const seen: Array<string> = []
        const error = yield* failure(async () => {
          const answer = await client.chat.completions.create({
            model: "scripted",
            messages: user("x"),
            stream: true
          })
          for await (const chunk of answer) seen.push(chunk.choices[0]?.delta.content ?? "")
        })
        assert.strictEqual(seen.join(""), "hear")
        assert.include(error.message, "killed")
        const status = (yield* failure(() =>
          client.chat.completions.create({ model: "scripted", messages: user("x") })
        )).status
        assert.strictEqual(status, 500)
      })
    )
  )

  it.live("stops the work when the client goes in mid-stream, and when it goes while it waits", () =>
    withDoor(({ client, script, url }) =>
      Effect.gen(function* () {
        script.tokenMs = 20
        yield* promise(async () => {
          const answer = await client.chat.completions.create({
            model: "scripted",
            messages: user("a long answer"),
            stream: true
          })
          let pieces = 0
          for await (const _ of answer) if (++pieces === 4) break
        })
        while (script.interrupted < 1) yield* Effect.sleep(5)
        assert.deepStrictEqual([script.begun, script.ended], [1, 0])

        const controller = new AbortController()
        const waiting = fetch(`${url}/v1/chat/completions`, {
          method: "POST",
          body: JSON.stringify({ model: "helper-ai", messages: user("reverse hello") }),
          signal: controller.signal
        }).catch(() => undefined)
        while (script.begun < 2) yield* Effect.sleep(5)
        controller.abort()
        yield* promise(() => waiting)
        while (script.interrupted < 2) yield* Effect.sleep(5)
        assert.deepStrictEqual([script.begun, script.ended], [2, 0])
      })
    )
  )
})
