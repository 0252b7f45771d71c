import { keyPairFromSeed } from "@continuum/core/Identity"
import { peersMax } from "@continuum/core/Limits"
import * as GrantStore from "@continuum/mesh/GrantStore"
import * as GrantStoreDisk from "@continuum/mesh/GrantStoreDisk"
import { fullLaw, laws } from "@continuum/mesh/testing/GrantStoreLaws"
import { layer as layerFileSystem } from "@effect/platform-node/NodeFileSystem"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, FileSystem, Layer } from "effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll } from "vitest"

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "grants-"))
afterAll(() => fs.rmSync(folder, { recursive: true }))
let files = 0
const newPath = () => path.join(folder, `${files++}.json`)
const onDisk = (file: string) => Layer.provide(GrantStoreDisk.layer(file), layerFileSystem)

const grant: GrantStore.Grant = {
  publicKey: keyPairFromSeed(new Uint8Array(32).fill(1)).publicKey,
  actions: ["actors.ask"],
  name: "bee",
  address: "127.0.0.1:1"
}

describe("grants in memory", () => {
  for (const { check, name } of [...laws, fullLaw]) it.effect(name, () => Effect.provide(check, GrantStore.layerMemory))
})

describe("grants on a disk", () => {
  for (const { check, name } of laws) it.live(name, () => Effect.provide(check, onDisk(newPath())))

  const set = (file: string, value: GrantStore.Grant) =>
    Effect.provide(
      Effect.flatMap(GrantStore.GrantStore, (store) => store.set(value)),
      onDisk(file)
    )
  const all = (file: string) =>
    Effect.provide(
      Effect.flatMap(GrantStore.GrantStore, (store) => store.all),
      onDisk(file)
    )

  it.live("are there when the file is opened again, in a file for its owner alone", () =>
    Effect.gen(function* () {
      const file = newPath()
      yield* set(file, grant)
      expect(yield* all(file)).toEqual([grant])
      expect(fs.statSync(file).mode & 0o777).toBe(0o600)
      expect(fs.existsSync(`${file}.new`)).toBe(false)
    })
  )

  it.live.each([
    ["is not JSON", "{"],
    ["is of another version", '{"version":2,"peers":[]}'],
    ["grants what there is not", JSON.stringify({ version: 1, peers: [{ ...grant, actions: ["everything"] }] })],
    ["holds too many", JSON.stringify({ version: 1, peers: Array.from({ length: peersMax + 1 }, () => grant) })],
    ["is too large", " ".repeat(3 * 1024 * 1024)]
  ])("a file that %s is an error, and stays as it is", ([, text]) =>
    Effect.gen(function* () {
      const file = newPath()
      fs.writeFileSync(file, text!)
      const exit = yield* Effect.exit(all(file))
      expect(Exit.isFailure(exit) && JSON.stringify(exit.cause)).toContain("GrantsUnreadable")
      expect(fs.readFileSync(file, "utf8")).toBe(text)
    })
  )

  it.live("that cannot be written are refused, and those before stay", () =>
    Effect.gen(function* () {
      const file = newPath()
      yield* set(file, grant)
      const failing = Layer.effect(
        FileSystem.FileSystem,
        Effect.map(FileSystem.FileSystem, (real) => ({
          ...real,
          rename: (from: string) => Effect.flatMap(real.remove(from), () => real.rename(from, `${from}.gone`))
        }))
      ).pipe(Layer.provide(layerFileSystem))
      const error = yield* Effect.gen(function* () {
        const store = yield* GrantStore.GrantStore
        const error = yield* Effect.flip(store.set({ ...grant, name: "other" }))
        expect(yield* store.all).toEqual([grant])
        return error
      }).pipe(Effect.provide(Layer.provide(GrantStoreDisk.layer(file), failing)))
      expect(error._tag).toBe("GrantNotStored")
      expect(yield* all(file)).toEqual([grant])
    })
  )
})
