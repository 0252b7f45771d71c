import { describe, expect, it } from "@effect/vitest"
import * as Codec from "@continuum/core/Codec"
import { Cause, Effect, Exit, Layer, Result, Schema, Stream } from "effect"
import * as fc from "fast-check"
import * as Actor from "../src/Actor.ts"
import { ActorStorage } from "../src/ActorStorage.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import { versionMax } from "../src/Limits.ts"
import * as StoredValue from "../src/StoredValue.ts"
import * as Versions from "../src/Versions.ts"

const address = "continuum://local/user/ada"

const live = <A, E>(records: Map<string, Uint8Array>, program: Effect.Effect<A, E, ActorSystem>) => {
  const storage = Layer.succeed(ActorStorage, ActorStorageMemory.make(records))
  return Effect.runPromise(Effect.provide(program, Layer.provide(ActorSystem.layer(), storage)))
}

/** The definitions of three releases of one program. */
const First = Actor.actor("user", { state: "", rename: (_, name: string) => name, get: (name) => name })
const toSecond = (name: string) => ({ name })
const toThird = ({ name }: { readonly name: string }) => {
  if (name === "nobody") throw new Error("a name is needed")
  return { names: name.split(" ") }
}
const Second = Actor.actor(
  "user",
  { state: { name: "" }, rename: (_, name: string) => ({ name }), get: (state) => state },
  { version: 2, migrations: { 1: toSecond } }
)
const Third = Actor.actor(
  "user",
  { state: { names: [] as ReadonlyArray<string> }, rename: (_, name: string) => ({ names: [name] }), get: (s) => s },
  { version: 3, migrations: { 1: toSecond, 2: toThird } }
)
const noPast = Actor.actor("user", { state: { names: [] as ReadonlyArray<string> }, get: (s) => s }, { version: 3 })

const rename = (definition: typeof First | typeof Second, name: string) =>
  Effect.flatMap(ActorSystem, (system) => system.ref(definition as typeof First, "ada").rename(name))
const get = <A>(definition: Actor.Actor<"user", A, { readonly get: Actor.MessageType<void, A, never> }>) =>
  Effect.flatMap(ActorSystem, (system) => system.ref(definition, "ada").get() as Effect.Effect<A, unknown>)
const refusal = (definition: Parameters<typeof get>[0]) =>
  Effect.map(Effect.exit(get(definition)), (exit) => (Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "no failure"))

describe("a stored state", () => {
  it("of an older version is migrated step by step", async () => {
    const records = new Map<string, Uint8Array>()
    await live(records, rename(First, "Ada Lovelace"))
    expect(await live(records, get(Third))).toEqual({ names: ["Ada", "Lovelace"] })
    // Nothing was stored yet: the second release can still read what the first one wrote.
    expect(await live(records, get(Second))).toEqual({ name: "Ada Lovelace" })
    await live(records, rename(Second, "Ada King"))
    expect(await live(records, get(Third))).toEqual({ names: ["Ada", "King"] })
  })

  it("of a newer version is refused and left as it is, also by a restart", async () => {
    const records = new Map<string, Uint8Array>()
    await live(records, rename(Second, "Ada"))
    const before = records.get(address)
    const said = await live(
      records,
      Effect.gen(function* () {
        const first = yield* refusal(First)
        yield* (yield* ActorSystem).restart(address)
        expect(yield* (yield* ActorSystem).quarantined).toEqual([])
        return [first, yield* refusal(First)]
      })
    )
    for (const text of said) {
      expect(text).toContain("ActorStopped")
      expect(text).toContain("it is of version 2, and this program knows 1; start the program that wrote it")
    }
    expect(records.get(address)).toEqual(before)
  })

  it("stays as it is when a migration throws, is missing, or makes what does not fit", async () => {
    const records = new Map<string, Uint8Array>()
    await live(records, rename(First, "nobody"))
    const before = records.get(address)
    expect(await live(records, refusal(Third))).toContain("the migration from version 2 failed: a name is needed")
    expect(await live(records, refusal(noPast))).toContain("it is of version 1, and the definition has no migration")
    const Unfit = Actor.actor(
      "user",
      { state: { age: 1 }, get: (s) => s },
      {
        version: 2,
        migrations: { 1: () => ({ age: "old" }) },
        schema: Schema.Struct({ age: Schema.Int })
      }
    )
    expect(await live(records, refusal(Unfit))).toContain("what the migrations made of it does not fit")
    expect(records.get(address)).toEqual(before)
  })

  it("of version 1 is stored as it always was", async () => {
    const records = new Map<string, Uint8Array>()
    await live(records, rename(First, "Ada"))
    expect(Codec.decodeUnsafe(records.get(address)!)).toBe("Ada")
  })
})

describe("a stored event", () => {
  const journal = { apply: (n: number, { by }: { readonly by: number }) => n + by, keep: 10 }
  const Old = Actor.actor("user", { state: 0, add: (_, by: number) => Actor.emit({ by }), get: (n) => n }, { journal })
  const New = Actor.actor(
    "user",
    { state: 0, add: (_, cents: number) => Actor.emit({ cents }), get: (n) => n },
    {
      version: 2,
      migrations: { 1: (euros: number) => euros * 100 },
      journal: {
        apply: (n: number, { cents }: { readonly cents: number }) => n + cents,
        version: 2,
        migrations: { 1: ({ by }: { readonly by: number }) => ({ cents: by * 100 }) },
        keep: 10
      }
    }
  )
  const add = (definition: typeof Old | typeof New, n: number) =>
    Effect.flatMap(ActorSystem, (system) => system.ref(definition as typeof Old, "ada").add(n))

  it("of an older version is replayed and read as one of the present", async () => {
    const records = new Map<string, Uint8Array>()
    await live(records, Effect.andThen(add(Old, 1), add(Old, 2)))
    expect(await live(records, get(New))).toBe(300)
    await live(records, add(New, 5))
    const events = Effect.flatMap(
      Effect.tap(ActorSystem, () => get(New)),
      (system) => Stream.runCollect(system.journal(address))
    )
    expect((await live(records, events)).map(({ event }) => event)).toEqual([
      { cents: 100 },
      { cents: 200 },
      { cents: 5 }
    ])
  })

  it("of a newer version stops its actor and stays as it is", async () => {
    const records = new Map<string, Uint8Array>()
    await live(records, add(Old, 1))
    await live(records, add(New, 5))
    const before = new Map(records)
    expect(await live(records, refusal(Old))).toContain("event 2: it is of version 2, and this program knows 1")
    expect(records).toEqual(before)
  })
})

describe("versions", () => {
  it("must lead to the present one", () => {
    const step = (old: unknown) => old
    expect(() => Versions.make(0)).toThrow(RangeError)
    expect(() => Versions.make(1.5)).toThrow(RangeError)
    expect(() => Versions.make(versionMax + 1)).toThrow(RangeError)
    expect(() => Versions.make(2, { 2: step })).toThrow("leads beyond version 2")
    expect(() => Versions.make(4, { 1: step, 3: step })).toThrow("from version 2 to 3 is missing")
    expect(Versions.make(4, { 3: step, 2: step }).version).toBe(4)
  })

  it("apply every step once, in order", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), (found, version) => {
        const steps = Array.from({ length: version - 1 }, (_, i) => [i + 1, (old: Array<number>) => [...old, i + 1]])
        const migrated = Versions.migrate(Versions.make(version, Object.fromEntries(steps)), found, [])
        if (found > version) return Result.isFailure(migrated)
        const expected = Array.from({ length: version - found }, (_, i) => found + i)
        expect(migrated).toEqual(Result.succeed(expected))
        return true
      })
    )
  })
})

describe("the bytes of a value", () => {
  const options = (framed: boolean): StoredValue.Options => ({
    what: "state",
    schema: undefined,
    versions: Versions.make(),
    bytesMax: 1_000_000,
    framed
  })

  // The codec renames a key `__proto__`, and plain data has none.
  const plainValue = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("__proto__"))

  it("are the value and its mark again", () => {
    fc.assert(
      fc.property(plainValue, fc.maxSafeNat(), fc.boolean(), (value, mark, framed) => {
        const plain = JSON.parse(JSON.stringify(value)) as unknown
        const write = StoredValue.encode(options(framed), "continuum://local/counter/a", plain, mark)
        if (typeof write === "string") throw new Error(write)
        const stored = Effect.runSync(StoredValue.decode(options(!framed), write.state!))
        expect(stored).toEqual({ value: plain, mark: framed ? mark : 0 })
      })
    )
  })

  it("that are others are damage, whatever they are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (noise, framed) => {
        const bytes = framed ? Uint8Array.of(0xc1, ...noise) : noise
        const exit = Effect.runSyncExit(StoredValue.decode(options(true), bytes))
        return Exit.isSuccess(exit) || !Cause.hasDies(exit.cause)
      })
    )
  })
})
