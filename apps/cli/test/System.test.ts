import { assert, describe, layer } from "@effect/vitest"
import * as ContentId from "@continuum/core/ContentId"
import { Context, Effect, Layer } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Cli from "./support/Cli.ts"
import * as RealNode from "./support/RealNode.ts"

/** As a user does, on Deno or on Bun; or in this process, which costs no start. */
type Way = "jtag" | "bun" | "here"

/** One real node for all tests below, and the ways to give it commands. */
class System extends Context.Service<
  System,
  {
    readonly home: string
    readonly ended: Effect.Effect<number | null>
    readonly cli: (way: Way, ...words: ReadonlyArray<string>) => Effect.Effect<Cli.Ran>
    readonly json: (way: Way, ...words: ReadonlyArray<string>) => Effect.Effect<any>
  }
>()("test/System") {}

const systemLayer = Layer.effect(
  System,
  Effect.gen(function* () {
    const folder = yield* Cli.temporaryFolder
    const home = join(folder, "home")
    const { ended } = yield* RealNode.start(home)
    const variables = { CONTINUUM_HOME: home, HOME: folder }
    const cli = (way: Way, ...words: ReadonlyArray<string>) =>
      way === "here" ? Cli.run(words, { variables }) : Cli.spawnCommand([...Cli.commands[way], ...words], { variables })
    const json = (way: Way, ...words: ReadonlyArray<string>) =>
      Effect.map(cli(way, ...words, "--json"), ({ code, stderr, stdout }) => {
        assert.strictEqual(code, 0, stderr)
        return JSON.parse(stdout)
      })
    return { home, ended, cli, json }
  })
)

const triple = ["--lang", "js", "--source", "(input) => input * 3"]

describe("with a real node", () => {
  layer(systemLayer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("a function typed at the CLI is compiled, answers, and answers again from the cache", () =>
      Effect.gen(function* () {
        const { cli, json } = yield* System
        const first = yield* cli("jtag", "jit/run", ...triple, "--input", "14", "--json")
        assert.strictEqual(first.code, 0, first.stderr)
        assert.include(first.stdout, '"output":42')
        assert.include(first.stdout, '"cache":"compiled"')
        const second = yield* cli("bun", "jit", "run", ...triple, "--input", "4", "--json")
        assert.include(second.stdout, '"output":12')
        assert.include(second.stdout, '"cache":"hit"')
        const { contentId } = JSON.parse(first.stdout)
        assert.strictEqual((yield* json("here", "jit/run", contentId, "--input", "0.25")).output, 0.75)
        const human = yield* cli("here", "jit/run", contentId, "--input", "5")
        assert.strictEqual(human.stdout, "15\n")
        assert.include(human.stderr, contentId)
      })
    )

    it.effect("a module can be listed, exported as WebAssembly, and compiled again from its binary", () =>
      Effect.gen(function* () {
        const { home, json } = yield* System
        const { contentId } = yield* json("here", "jit/compile", ...triple, "--sample", "1", "--name", "triple")
        const modules = yield* json("here", "modules/list")
        assert.include(
          modules.map((module: any) => module.contentId),
          contentId
        )
        const file = join(home, "../triple.wasm")
        yield* json("jtag", "modules/export", contentId, "--out", file)
        const bytes = new Uint8Array(readFileSync(file))
        assert.deepStrictEqual([...bytes.subarray(0, 4)], [0, 0x61, 0x73, 0x6d])
        assert.strictEqual(ContentId.of(bytes), contentId)
      })
    )

    it.effect("an actor keeps its state between messages of different processes", () =>
      Effect.gen(function* () {
        const { cli, json } = yield* System
        const address = "continuum://local/counter/cart-42"
        assert.strictEqual((yield* cli("jtag", "actors/ask", address, "add", "40")).stdout, "40\n")
        assert.strictEqual((yield* json("bun", "actors", "ask", address, "add", "2")).reply, 42)
        const actors = yield* json("here", "actors/list", "--kind", "counter")
        assert.deepStrictEqual(
          actors.map((actor: any) => actor.address),
          [address]
        )
        assert.strictEqual((yield* json("here", "actors/inspect", address)).stateValue, 42)
        assert.strictEqual((yield* json("here", "actors/restart", address)).address, address)
        const unknown = yield* cli("here", "actors/ask", address, "ad", "1")
        assert.strictEqual(unknown.code, 1)
        assert.include(unknown.stderr, "add")
      })
    )

    it.effect("a persona answers in sentences, remembers, and says how it came to its answer", () =>
      Effect.gen(function* () {
        const { cli, json } = yield* System
        const asked = yield* cli("jtag", "ai/generate", "--prompt=Explain RTOS", "--persona=Teacher AI")
        assert.strictEqual(asked.code, 0, asked.stderr)
        assert.match(asked.stdout, /^An RTOS \(real-time operating system\) is .*Source: docs\/GLOSSARY.md, "RTOS"\n$/s)
        assert.include(asked.stderr, "Teacher AI")
        const prompt = ["--prompt", "What is fuel?", "--conversation", "c"]
        const first = yield* json("bun", "ai", "generate", ...prompt)
        assert.strictEqual(first.trace.worker, "retrieval")
        const more = yield* json("here", "ai/generate", "--prompt", "tell me more", "--conversation", "c")
        assert.include(more.text.toLowerCase(), "fuel")
        assert.notStrictEqual(more.text, first.text)
        const sum = yield* json("here", "ai/generate", "--prompt", "12+7=")
        assert.match(sum.text, /^\d+$/)
        assert.deepStrictEqual(
          sum.trace.layers.map((layer: any) => layer.name),
          ["arithmetic"]
        )
        const unknown = yield* cli("here", "ai/generate", "--prompt", "x", "--persona", "Techer AI")
        assert.strictEqual(unknown.code, 1)
        assert.include(unknown.stderr, 'Did you mean "Teacher AI"')
        assert.strictEqual((yield* json("here", "personas/list")).length, 2)
        assert.strictEqual((yield* json("here", "layers/list")).length, 6)
      })
    )

    it.effect("shows its status, settings, log and health", () =>
      Effect.gen(function* () {
        const { home, json } = yield* System
        const status = yield* json("jtag", "status")
        for (const key of [
          "name",
          "publicKey",
          "url",
          "uptimeSeconds",
          "peers",
          "actors",
          "modules",
          "layers",
          "personas"
        ]) {
          assert.property(status, key)
        }
        const settings = yield* json("here", "config")
        assert.deepInclude(
          settings.filter(({ name }: any) => name === "home"),
          { name: "home", value: home, source: "flag" }
        )
        assert.strictEqual((yield* json("here", "doctor")).ok, true)
        assert.isArray(yield* json("here", "actors/deadletters"))
        assert.isString((yield* json("here", "logs", "--lines", "1")).message)
      })
    )

    it.effect("says what is wrong with a source, an input or a key, with the exit code for it", () =>
      Effect.gen(function* () {
        const { cli, home } = yield* System
        const run = (source: string, ...words: ReadonlyArray<string>) =>
          cli("here", "jit/run", "--lang", "js", "--source", source, "--input", "1", "--json", ...words)
        const malformed = yield* run("(input) => input *")
        assert.strictEqual(malformed.code, 1)
        assert.deepInclude(JSON.parse(malformed.stderr).error, { tag: "SourceMalformed", line: 1 })
        const refused = yield* run("(input) => fetch(input)")
        assert.strictEqual(refused.code, 4)
        assert.deepInclude(JSON.parse(refused.stderr).error, { tag: "SourceRefused", name: "fetch" })
        const endless = yield* run("(input) => { while (true) {} }")
        assert.strictEqual(endless.code, 1)
        assert.include(["FuelExhausted", "RunTimeout"], JSON.parse(endless.stderr).error.tag)
        const foreign = yield* cli("here", "jit/run", "--lang", "cobol", "--source", "x", "--input", "1", "--json")
        assert.strictEqual(foreign.code, 4)
        assert.strictEqual(JSON.parse(foreign.stderr).error.tag, "LanguageUnavailable")
        const stranger = yield* Cli.spawnCommand([...Cli.commands.jtag, "status", "--json"], {
          variables: { CONTINUUM_HOME: home, CONTINUUM_API_KEY: "wrong" }
        })
        assert.strictEqual(stranger.code, 4)
        assert.strictEqual(JSON.parse(stranger.stderr).error.tag, "KeyRefused")
      })
    )

    it.effect("down ends the node, and then there is none", () =>
      Effect.gen(function* () {
        const { cli, ended, home, json } = yield* System
        assert.strictEqual((yield* json("jtag", "down")).stopped, true)
        assert.strictEqual(yield* ended, 0)
        assert.isFalse(existsSync(join(home, "node.json")))
        const none = yield* cli("here", "status")
        assert.strictEqual(none.code, 3)
        assert.include(none.stderr, "npm start")
      })
    )
  })
})
