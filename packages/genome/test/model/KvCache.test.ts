import { KvCache, type RowKv } from "@continuum/genome/model/KvCache"
import { assert, describe, it } from "@effect/vitest"

/** Two heads; the number at each place says head and place. */
const kv = (length: number): RowKv => ({
  length,
  tensors: [Float32Array.from({ length: 2 * length }, (_, i) => 100 * Math.floor(i / length) + (i % length))]
})

describe("KvCache", () => {
  it("gives the longest common beginning, and never for another composition", () => {
    const cache = new KvCache(2)
    cache.put("a", [1, 2, 3, 4], kv(4))
    cache.put("a", [1, 2, 9], kv(3))
    cache.put("b", [1, 2, 3, 4, 5], kv(5))
    assert.deepStrictEqual(cache.take("a", [1, 2, 3, 7], 3), {
      length: 3,
      tensors: [Float32Array.of(0, 1, 2, 100, 101, 102)]
    })
    assert.strictEqual(cache.take("a", [1, 2, 3, 4, 5], 9)!.length, 4)
    assert.isUndefined(cache.take("c", [1, 2, 3], 3))
    assert.isUndefined(cache.take("a", [5, 1, 2], 3))
  })

  it("gives at most as much as was asked for, as a copy", () => {
    const cache = new KvCache(2)
    cache.put("a", [1, 2, 3], kv(3))
    const taken = cache.take("a", [1, 2, 3], 2)!
    assert.strictEqual(taken.length, 2)
    taken.tensors[0]!.fill(-1)
    assert.deepStrictEqual(cache.take("a", [1, 2], 2)!.tensors, [Float32Array.of(0, 1, 100, 101)])
  })

  it("keeps to its bytes: the least recently used goes first", () => {
    const cache = new KvCache(2, 3 * 2 * 10 * 4)
    for (const first of [1, 2, 3])
      cache.put(
        "a",
        Array.from({ length: 10 }, () => first),
        kv(10)
      )
    assert.strictEqual(cache.take("a", [1, 1], 1)!.length, 1)
    cache.put(
      "a",
      Array.from({ length: 10 }, () => 4),
      kv(10)
    )
    assert.isUndefined(cache.take("a", [2, 2], 2))
    for (const first of [1, 3, 4]) assert.strictEqual(cache.take("a", [first], 1)!.length, 1)
    cache.put(
      "a",
      Array.from({ length: 31 }, () => 5),
      kv(31)
    )
    assert.isUndefined(cache.take("a", [5], 1))
  })

  it("a longer one takes the place of its beginning", () => {
    const cache = new KvCache(2, 2 * 2 * 3 * 4)
    cache.put("a", [1, 2], kv(2))
    cache.put("a", [1, 2, 3], kv(3))
    cache.put("a", [7, 7, 7], kv(3))
    assert.strictEqual(cache.take("a", [1, 2, 3], 3)!.length, 3)
    assert.strictEqual(cache.take("a", [7, 7, 7], 3)!.length, 3)
  })
})
