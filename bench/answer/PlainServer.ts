/** Answers `/v1/chat/completions` by the engine and nothing else: no router, no checks, no persona. `model` names a layer. */
import { Backend } from "@continuum/genome/backend/Backend"
import * as EmbeddedOnnxRuntime from "@continuum/genome/backend/EmbeddedOnnxRuntime"
import { layerMemory } from "@continuum/genome/LayerSource"
import * as TinyModel from "@continuum/genome/model/TinyModel"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Stream } from "effect"
import { writeFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import process from "node:process"

interface Body {
  readonly model: string
  readonly messages: ReadonlyArray<{ readonly role: "user"; readonly content: string }>
  readonly max_tokens: number
}

const program = Effect.gen(function* () {
  const backend = yield* Backend
  const cards = (yield* TinyModel.layers).map(({ card }) => card)
  const answer = (body: Body, response: ServerResponse) => {
    const layers = cards.filter(({ name }) => name === body.model).map(({ contentId }) => ({ contentId }))
    return Stream.runForEach(backend.generate({ turns: body.messages, layers, tokensMax: body.max_tokens }), (chunk) =>
      Effect.sync(() => {
        const content = chunk._tag === "Text" ? chunk.text : ""
        const data = { object: "chat.completion.chunk", choices: [{ index: 0, delta: { content } }] }
        response.write(`data: ${JSON.stringify(data)}\n\n`)
      })
    )
  }
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Array<Buffer> = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    response.writeHead(200, { "content-type": "text/event-stream" })
    await Effect.runPromise(answer(JSON.parse(Buffer.concat(chunks).toString()) as Body, response))
    response.end("data: [DONE]\n\n")
  }
  const server = createServer((request, response) => void handle(request, response))
  server.listen(0, "127.0.0.1", () => {
    writeFileSync(process.argv[2]!, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  })
  return yield* Effect.never
})

const engine = EmbeddedOnnxRuntime.layer({ directory: TinyModel.directory }).pipe(
  Layer.provide(Layer.unwrap(Effect.map(TinyModel.layers, (all) => layerMemory(all.map(({ layer }) => layer))))),
  Layer.provideMerge(NodeServices.layer)
)
await program.pipe(Effect.provide(engine), Effect.scoped, Effect.runPromise)
