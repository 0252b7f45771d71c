/** The packages as strangers get them: packed, put into a project of their own, checked by its compiler and run. */
import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { start, temporaryFolder } from "./NodeProcess.ts"
import * as Packed from "./PackedProject.ts"

class Project extends Context.Service<Project, Effect.Success<typeof Packed.linked>>()("test/Project") {}

/** What a program gets wrong, line by line. Each line that has a mark must be refused, and no other. */
const wrong = `import { actor, ActorSystem, reply, streaming } from "@continuum/actors"
import * as NodeClient from "@continuum/core/NodeClient"
import { NodeRpcs } from "@continuum/core/rpc"
import { MeshRpcs } from "@continuum/mesh/rpc"
import { PersonaRpcs } from "@continuum/persona/rpc"
import { JitRpcs } from "@continuum/runtime-wasm/rpc"
import { Stream } from "effect"

const Counter = actor("counter", { state: 0, add: (state, n: number) => state + n })
const system = await ActorSystem.start()
const node = NodeClient.connect(NodeRpcs.merge(JitRpcs, MeshRpcs, PersonaRpcs), { url: "http://127.0.0.1:3000" })
await system.ref(Counter, "a").add(1)
await system.ref(Counter, "a").add("1") // wrong
await system.ref(Counter, "a").sub(1) // wrong
await node["node.logs"]({ lines: 1, follow: true })
await node["node.logs"]({ lines: "1", follow: true }) // wrong
await node["jit.run"]({ target: { lang: "js", source: "x => x" }, input: 1 })
await node["jit.run"]({ target: { lang: "js" }, input: 1 }) // wrong
await node["jit.compile"]({ lang: "js", source: "x => x", nmae: "typo" }) // wrong
const remote = system.at(Counter, "continuum://bee/counter/a")
await remote.add(1)
await remote.add("1") // wrong
const Teller = actor("teller", { state: 0, count: streaming((told: number, to: number) => reply(told, Stream.range(1, to))) })
for await (const n of system.ref(Teller, "t").count(3)) n.toFixed()
for await (const n of system.ref(Teller, "t").count("3")) n.toFixed() // wrong
for await (const n of system.ref(Teller, "t").count(3)) n.length // wrong
await system.ref(Teller, "t").count(3).toFixed() // wrong
system.ref(Teller, "t").tell.count(3) // wrong
await node["peers.add"]({ peer: "127.0.0.1:49737", grant: ["jit.run"] })
await node["peers.add"]({ peer: "127.0.0.1:49737", grant: ["everything"] }) // wrong
for await (const part of node["ai.generate"]({ prompt: "hello" })) {
  if (part._tag === "Text") part.text.length
  if (part._tag === "Done") part.text // wrong
}
node["ai.generate"]({ prompt: 1 }) // wrong
`

/** A program that asks actors of a node and of its own, also what does not fit, which it hides from the compiler. */
const callerOf = (url: string, apiKey: string, name: string) => `import { Actor, ActorSystem } from "@continuum/actors"
import { ActorRpcs } from "@continuum/actors/rpc"
import * as NodeClient from "@continuum/core/NodeClient"
import { NodeRpcs } from "@continuum/core/rpc"
import { Schema, Stream } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const tagOf = (promise: Promise<unknown>) => promise.then(() => "replied", (error) => error._tag)
const first = async (values: AsyncIterable<unknown>) => {
  for await (const value of values) return value
}

await using node = NodeClient.connect(NodeRpcs.merge(ActorRpcs), { url: "${url}", apiKey: "${apiKey}" })
const address = "continuum://local/counter/${name}"
console.log(await node["actors.ask"]({ address, messageName: "add", payload: 41 }))
console.log(await node["actors.ask"]({ address, messageName: "add", payload: 1 }))
console.log(await tagOf(node["actors.ask"]({ address, messageName: "add", payload: "one" })))
console.log(await tagOf(node["actors.ask"]({ address, messageName: 1 } as never)))
console.log(typeof (await first(node["node.logs"]({ lines: 1, follow: true }))))
console.log(await tagOf(first(node["node.logs"]({ lines: "1" } as never))))

class SpeakerRpcs extends RpcGroup.make(
  Rpc.make("count", { payload: { to: Schema.Int }, success: Schema.Int, stream: true })
) {}
const Speaker = Actor.fromRpcs("speaker", SpeakerRpcs, {
  state: { schema: Schema.Int, initial: 0 },
  handlers: { count: (told, { to }) => Actor.reply(told, Stream.range(1, to)) }
})
const system = await ActorSystem.start()
const speaker = system.ref(Speaker, "s")
let sum = 0
for await (const n of speaker.count({ to: 4 })) sum += n
console.log(sum)
console.log(await tagOf(first(system.at(Speaker, "continuum://local/speaker/s").count({ to: "4" } as never))))
await system.stop()
`

const prints = "41\n42\nPayloadMalformed\nCallMalformed\nobject\nCallMalformed\n10\nPayloadMalformed\n"

describe("the packages, packed and installed elsewhere", () => {
  layer(Layer.effect(Project, Packed.linked), { timeout: "120 seconds", excludeTestServices: true })((it) => {
    it.effect("hold what a user needs, and none of our tests", () =>
      Effect.gen(function* () {
        const { packed } = yield* Project
        assert.strictEqual(packed.length, Packed.packages.length)
        for (const { files, name } of packed) {
          for (const file of ["package.json", "README.md", "dist/index.js", "dist/index.d.ts", "src/index.ts"])
            assert.include(files, file, name)
          assert.isEmpty(
            files.filter((file) => /(^|\/)test\/|\.test\.|tsbuildinfo/.test(file)),
            name
          )
        }
      })
    )

    it.effect("type-check in a strict project, with their declarations, and refuse what does not fit", () =>
      Effect.gen(function* () {
        const { built, project } = yield* Project
        assert.strictEqual(built.code, 0, built.output)

        writeFileSync(join(project, "wrong.ts"), wrong)
        const config = { extends: "./tsconfig.json", files: ["wrong.ts"] }
        writeFileSync(join(project, "tsconfig.wrong.json"), JSON.stringify(config))
        const refused = yield* Packed.run(project, Packed.bin("tsc"), ["--noEmit", "-p", "tsconfig.wrong.json"])
        rmSync(join(project, "wrong.ts"))
        const lines = [...refused.output.matchAll(/^wrong\.ts\((\d+),/gm)].map((match) => Number(match[1]))
        const marked = wrong.split("\n").flatMap((line, at) => (line.endsWith("// wrong") ? [at + 1] : []))
        assert.deepStrictEqual([...new Set(lines)], marked, refused.output)
      })
    )

    it.effect(
      "ask actors of a node and read its streams; what does not fit is a typed error on Bun, Deno and Node",
      () =>
        Effect.gen(function* () {
          const { project } = yield* Project
          const node = yield* start(join(yield* temporaryFolder, "home"), ["--offline"])
          for (const runtime of ["Bun", "Deno", "Node"]) {
            writeFileSync(join(project, "caller.ts"), callerOf(node.url, node.key, runtime.toLowerCase()))
            const config = { extends: "./tsconfig.json", files: ["caller.ts"] }
            writeFileSync(join(project, "tsconfig.caller.json"), JSON.stringify(config))
            const built = yield* Packed.run(project, Packed.bin("tsc"), ["-p", "tsconfig.caller.json"])
            assert.strictEqual(built.code, 0, built.output)
            const [file, args] = Packed.runtimes[runtime]!("caller")
            const ran = yield* Packed.run(project, file, args)
            assert.strictEqual(ran.output, prints, runtime)
          }
        })
    )

    it.effect("run the first program of each README on Bun, Deno and Node", () =>
      Effect.gen(function* () {
        const { project } = yield* Project
        yield* Packed.runReadmes(project, ["core", "actors", "genome", "mesh", "persona"], ["Bun", "Deno", "Node"])
        // It compiles, which takes its time; the others are in packed.deep.test.ts.
        yield* Packed.runReadmes(project, ["runtime-wasm"], ["Node"])
      })
    )
  })
})
