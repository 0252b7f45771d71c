/** What streams between two nodes: real processes, real Hyperswarm, the real model. */
import type { PersonaSummary } from "@continuum/persona/rpc"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { spawnSync } from "node:child_process"
import OpenAI from "openai"
import { WebSocket } from "ws"
import type { NodeProcess } from "./NodeProcess.ts"
import { done, failed, status, twoNodes } from "./TwoNodes.ts"

/** `ai.generate`, with what came before it ended; `seen` is called at each piece of text. */
const generate = async (node: NodeProcess, request: object, seen: (text: string) => void = () => undefined) => {
  const response = await fetch(`${node.url}/rpc`, {
    method: "POST",
    headers: { "content-type": "application/ndjson", authorization: `Bearer ${node.key}` },
    body: `${JSON.stringify({ _tag: "Request", id: "1", tag: "ai.generate", payload: request, headers: [] })}\n`
  })
  let [rest, text, end, failure] = ["", "", undefined as any, undefined as any]
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split("\n")
    rest = lines.pop()!
    for (const line of lines) {
      const message = JSON.parse(line) as any
      for (const chunk of message.values ?? []) {
        if (chunk._tag === "Done") end = chunk
        else {
          text += chunk.text
          seen(chunk.text)
        }
      }
      if (message.exit?._tag === "Failure") failure = message.exit.cause[0]?.error
    }
  }
  return { text, end, failure }
}

/** Processes of the model's engine that a node has started. */
const enginesOf = (node: NodeProcess): ReadonlyArray<number> =>
  spawnSync("ps", ["-o", "pid=,args=", "--ppid", String(node.pid)], { encoding: "utf8" })
    .stdout.split("\n")
    .filter((line) => line.includes("EngineOnnxRuntime"))
    .map((line) => Number.parseInt(line, 10))

/** Events as a WebSocket gets them that cannot set headers, and as server-sent events. */
const watch = (node: NodeProcess, query: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const [sent, messages] = [[] as Array<any>, [] as Array<any>]
      const controller = new AbortController()
      const headers = { authorization: `Bearer ${node.key}` }
      const response = await fetch(`${node.url}/events?${query}`, { headers, signal: controller.signal })
      const read = async () => {
        let rest = ""
        for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
          const blocks = (rest + part).split("\n\n")
          rest = blocks.pop()!
          for (const block of blocks) if (block.startsWith("data: ")) sent.push(JSON.parse(block.slice(6)))
        }
      }
      read().catch(() => undefined)
      const url = `${node.url.replace("http", "ws")}/events?${query}`
      const socket = new WebSocket(url, [`continuum.key.${node.key}`])
      socket.on("message", (data: Buffer) => messages.push(JSON.parse(data.toString())))
      const stop = () => {
        controller.abort()
        socket.terminate()
      }
      return { seen: [sent, messages], stop }
    }),
    ({ stop }) => Effect.sync(stop)
  )

describe("two nodes that granted each other everything", () => {
  it.live("answer by each other's personas and hear each other's events; a killed node is an error in time", () =>
    Effect.gen(function* () {
      const { ant, bee, startBee } = yield* twoNodes(true)
      const grants = ["actors.ask", "jit.run", "jit.compile", "content.read"]
      yield* done(bee, "peers.add", { peer: "ant", grant: grants })
      for (const [tag, payload] of [
        ["ai.generate", { prompt: "what is fuel?", mesh: "bee" }],
        ["personas.list", { mesh: "bee" }]
      ] as const) {
        assert.deepInclude(yield* failed(ant, tag, payload), { _tag: "NotGranted", action: "ai.generate" })
      }
      const refused = (headers: Record<string, string>) =>
        Effect.promise(async () => {
          const response = await fetch(`${ant.url}/events?mesh=bee`, { headers })
          return [response.status, ((await response.json()) as any).error.tag]
        })
      const authorization = `Bearer ${ant.key}`
      assert.deepStrictEqual(yield* refused({ authorization }), [403, "NotGranted"])
      assert.deepStrictEqual(yield* refused({}), [401, "KeyRefused"])
      const page = { authorization, origin: "https://evil.example" }
      assert.deepStrictEqual(yield* refused(page), [403, "OriginRefused"])
      yield* done(bee, "peers.add", { peer: "ant" })

      const { seen } = yield* watch(ant, "mesh=bee&topics=actors,jit")
      const heard = (what: object) =>
        Effect.gen(function* () {
          const text = JSON.stringify(what).slice(1, -1)
          while (!seen.every((events) => events.some((event) => JSON.stringify(event).includes(text)))) {
            yield* Effect.sleep("20 millis")
          }
        }).pipe(Effect.timeout("40 seconds"))
      yield* heard({ _tag: "Subscribed" })
      yield* done(bee, "actors.ask", { address: "continuum://local/counter/heard", messageName: "get", payload: null })
      yield* heard({ _tag: "Started", address: "continuum://local/counter/heard" })
      yield* done(bee, "jit.compile", { lang: "js", source: "(n) => n * 7", sample: 1 })
      yield* heard({ lang: "js", compiledBy: "bee" })

      const { publicKey } = yield* status(bee)
      const question = { prompt: "spell hello backwards", persona: "teacher-ai" }
      const here = yield* Effect.promise(() => generate(bee, question))
      const pieces: Array<string> = []
      const there = yield* Effect.promise(() =>
        generate(ant, { ...question, mesh: "bee" }, (text) => pieces.push(text))
      )
      assert.strictEqual(there.text, here.text)
      assert.isAbove(pieces.length, 1)
      assert.deepInclude(there.end, { persona: "Teacher AI", node: "bee", nodeKey: publicKey, reason: "stop" })
      assert.deepStrictEqual(there.end.trace.layers, here.end.trace.layers)
      // It was computed there: the engine of this node has not been asked.
      const layers = yield* done<ReadonlyArray<{ name: string; uses: number }>>(ant, "layers.list", null)
      assert.isTrue(layers.every(({ uses }) => uses === 0))
      const list = yield* done<ReadonlyArray<PersonaSummary>>(ant, "personas.list", { mesh: publicKey })
      assert.deepStrictEqual(
        list.map(({ id }) => id),
        ["helper-ai", "teacher-ai"]
      )
      const unknown = yield* failed(ant, "ai.generate", { prompt: "x", persona: "techer-ai", mesh: "bee" })
      assert.deepInclude(unknown, { _tag: "PersonaUnknown" })

      const client = new OpenAI({ baseURL: `${ant.url}/v1`, apiKey: "any", maxRetries: 0 })
      const models = yield* Effect.promise(() => client.models.list())
      assert.includeMembers(
        models.data.map(({ id }) => id),
        ["teacher-ai", "teacher-ai@bee"]
      )
      const chat = yield* Effect.promise(() =>
        client.chat.completions.create({
          model: "teacher-ai@bee",
          messages: [{ role: "user", content: question.prompt }]
        })
      )
      assert.strictEqual(chat.choices[0]!.message.content, here.text)
      assert.strictEqual(chat.usage!.completion_tokens, here.end.trace.tokens)

      // Killed in the middle of an answer. One may be over before its engine stands still: then the next, of another seed.
      let killed = false
      for (let seed = 0; !killed; seed++) {
        let begun = false
        const sampling = { temperature: 1.5, seed }
        const answer = yield* Effect.forkChild(
          Effect.promise(() =>
            generate(ant, { prompt: "What is Continuum?", layers: [], sampling, mesh: "bee" }, () => {
              if (!begun) for (const pid of enginesOf(bee)) process.kill(pid, "SIGSTOP")
              begun = true
            })
          )
        )
        while (!begun) yield* Effect.sleep("2 millis")
        yield* Effect.sleep("300 millis")
        if (answer.pollUnsafe() !== undefined) {
          for (const pid of enginesOf(bee)) process.kill(pid, "SIGCONT")
          continue
        }
        killed = true
        bee.child.kill("SIGKILL")
        const { end, failure } = yield* Effect.timeout(Fiber.join(answer), "40 seconds")
        assert.strictEqual(end, undefined)
        assert.strictEqual(failure?._tag, "TransportLost")
      }
      for (const pid of enginesOf(bee)) process.kill(pid, "SIGCONT")
      const gone = yield* failed(ant, "ai.generate", { prompt: "x", mesh: "bee" })
      assert.oneOf(gone._tag, ["PeerUnreachable", "TransportLost"])

      yield* heard({ _tag: "Interrupted" })
      const again = yield* startBee
      const subscribed = (events: ReadonlyArray<any>) => events.filter(({ _tag }) => _tag === "Subscribed").length
      while (!seen.every((events) => subscribed(events) === 2)) {
        assert.notInclude(JSON.stringify(seen), '"error"')
        yield* Effect.sleep("20 millis")
      }
      const address = "continuum://local/counter/again"
      yield* done(again, "actors.ask", { address, messageName: "get", payload: null })
      yield* heard({ _tag: "Started", address })
    }).pipe(Effect.scoped)
  )
})
