/** The packages as strangers get them: packed, put into a project of their own, checked by its compiler and run. */
import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Packed from "./PackedProject.ts"

class Project extends Context.Service<Project, Effect.Success<typeof Packed.linked>>()("test/Project") {}

/** What a program gets wrong, line by line. Each line that has a mark must be refused, and no other. */
const wrong = `import { actor, ActorSystem } from "@continuum/actors"
import * as NodeClient from "@continuum/core/NodeClient"
import { NodeRpcs } from "@continuum/core/rpc"
import { MeshRpcs } from "@continuum/mesh/rpc"
import { PersonaRpcs } from "@continuum/persona/rpc"
import { JitRpcs } from "@continuum/runtime-wasm/rpc"

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
await node["peers.add"]({ peer: "127.0.0.1:49737", grant: ["jit.run"] })
await node["peers.add"]({ peer: "127.0.0.1:49737", grant: ["everything"] }) // wrong
for await (const part of node["ai.generate"]({ prompt: "hello" })) {
  if (part._tag === "Text") part.text.length
  if (part._tag === "Done") part.text // wrong
}
node["ai.generate"]({ prompt: 1 }) // wrong
`

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
