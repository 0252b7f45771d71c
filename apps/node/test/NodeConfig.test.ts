import * as NodeServices from "@effect/platform-node/NodeServices"
import { afterAll, assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { load } from "../src/NodeConfig.ts"

const home = mkdtempSync(join(tmpdir(), "config-"))
afterAll(() => rmSync(home, { recursive: true, force: true }))
const writeSettings = (text: string) => writeFileSync(join(home, "continuum.toml"), text)
const sourceOf = (result: { readonly entries: ReadonlyArray<{ name: string; source: string }> }, name: string) =>
  result.entries.find((entry) => entry.name === name)?.source

layer(NodeServices.layer)("NodeConfig", (it) => {
  it.effect("has a default for every setting", () =>
    Effect.gen(function* () {
      const { settings } = yield* load({}, {})
      assert.strictEqual(settings.port, 3000)
      assert.strictEqual(settings.host, "127.0.0.1")
      assert.isTrue(settings.keyless)
      assert.isFalse(settings.offline)
      assert.strictEqual(settings.memoryBytesMax, 1_000_000_000)
      assert.isTrue(settings.home.endsWith(".continuum"))
      assert.match(settings.name, /^[a-z0-9-]+$/)
    })
  )

  it.effect("takes a flag before the environment, the environment before the file, the file before the default", () =>
    Effect.gen(function* () {
      writeSettings('port = 4001\nname = "from-file"\nkeyless = false\nlanguages = ["js", "wat"]\n')
      const flags = { home, port: "4003" }
      const all = yield* load(flags, { CONTINUUM_PORT: "4002", CONTINUUM_LOG_LEVEL: "warn" })
      assert.strictEqual(all.settings.port, 4003)
      assert.strictEqual(sourceOf(all, "port"), "flag")
      assert.strictEqual(all.settings.logLevel, "Warn")
      assert.strictEqual(sourceOf(all, "log-level"), "environment")
      assert.strictEqual(all.settings.name, "from-file")
      assert.strictEqual(sourceOf(all, "name"), "file")
      assert.isFalse(all.settings.keyless)
      assert.deepStrictEqual(all.settings.languages, ["js", "wat"])
      assert.strictEqual(sourceOf(all, "host"), "default")
      const without = yield* load({ home }, { CONTINUUM_PORT: "4002" })
      assert.strictEqual(without.settings.port, 4002)
      assert.isUndefined(without.settings.model)
      assert.strictEqual((yield* load({ home, model: "models/mine" }, {})).settings.model, resolve("models/mine"))
    })
  )

  it.effect("refuses a value that cannot be used and names where it came from", () =>
    Effect.gen(function* () {
      writeSettings('log-format = "xml"\n')
      const cases = [
        [{ port: "65536" }, {}, "--port"],
        [{ port: "3e3" }, {}, "--port"],
        [{ port: "-1" }, {}, "--port"],
        [{}, { CONTINUUM_KEYLESS: "maybe" }, "CONTINUUM_KEYLESS"],
        [{ "max-memory": "63MB" }, {}, "--max-memory"],
        [{ "max-memory": "much" }, {}, "--max-memory"],
        [{ otlp: "127.0.0.1:4318" }, {}, "--otlp"],
        [{ "span-ratio": "1.1" }, {}, "--span-ratio"],
        [{ "span-ratio": "" }, {}, "--span-ratio"],
        [{ name: "Home Server" }, {}, "--name"],
        [{ languages: "js,ruby" }, {}, "--languages"],
        [{ home }, {}, "log-format in"]
      ] as const
      for (const [flags, environment, where] of cases) {
        const error = yield* Effect.flip(load(flags, environment))
        assert.strictEqual(error._tag, "SettingInvalid")
        assert.include(error.message, where)
      }
      assert.strictEqual((yield* load({ port: "65535", "max-memory": "64MB" }, {})).settings.port, 65_535)
    })
  )

  it.effect("refuses a settings file with an unknown name, the home inside, or no TOML", () =>
    Effect.gen(function* () {
      for (const text of ["prot = 1\n", 'home = "/x"\n', "port = = 3\n"]) {
        writeSettings(text)
        const error = yield* Effect.flip(load({ home }, {}))
        assert.strictEqual(error._tag, "SettingsFileInvalid")
        assert.include(error.message, "continuum.toml")
      }
    })
  )
})
