import type { ContentId } from "@continuum/core/ContentId"
import { type Entry, entryBytes, ModuleCache } from "@continuum/runtime-wasm/ModuleCache"
import type { Loaded } from "@continuum/runtime-wasm/sandbox/Requests"
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"

const entry = (bytes: number): Entry => ({
  loaded: { code: new Uint8Array(bytes), source: undefined, memory: false, tableEntriesMax: 0 } as unknown as Loaded,
  module: undefined
})

/** The least recently used entries leave until the rest fits: a list, the most recent first. */
class Model {
  list: Array<{ readonly id: string; readonly bytes: number }> = []
  readonly bytesMax: number
  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }
  get(id: string): boolean {
    const found = this.list.find((one) => one.id === id)
    if (found !== undefined) this.list = [found, ...this.list.filter((one) => one !== found)]
    return found !== undefined
  }
  set(id: string, bytes: number): void {
    this.list = this.list.filter((one) => one.id !== id)
    if (bytes > this.bytesMax) return
    this.list.unshift({ id, bytes })
    while (this.bytes > this.bytesMax) this.list.pop()
  }
  get bytes(): number {
    return this.list.reduce((sum, one) => sum + one.bytes, 0)
  }
}

describe("ModuleCache", () => {
  it("keeps what an exact LRU of its size keeps", () => {
    const id = fc.constantFrom("a", "b", "c", "d", "e", "f")
    const step = fc.oneof(
      fc.record({ get: id }),
      fc.record({ set: id, bytes: fc.integer({ min: 0, max: 4000 }) }),
      fc.record({ delete: id })
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const cache = new ModuleCache(10_000)
        const model = new Model(10_000)
        for (const one of steps) {
          if ("get" in one) assert.strictEqual(cache.get(one.get as ContentId) !== undefined, model.get(one.get))
          else if ("set" in one) {
            cache.set(one.set as ContentId, entry(one.bytes))
            model.set(one.set, entryBytes(entry(one.bytes)))
          } else {
            cache.delete(one.delete as ContentId)
            model.list = model.list.filter(({ id }) => id !== one.delete)
          }
          assert.strictEqual(cache.bytes, model.bytes)
          assert.strictEqual(cache.size, model.list.length)
          assert.isAtMost(cache.bytes, 10_000)
        }
      })
    )
  })

  it("keeps an entry of exactly its size and none that is larger", () => {
    const cache = new ModuleCache(entryBytes(entry(100)))
    cache.set("a" as ContentId, entry(101))
    assert.strictEqual(cache.size, 0)
    cache.set("a" as ContentId, entry(100))
    assert.strictEqual(cache.size, 1)
  })
})
