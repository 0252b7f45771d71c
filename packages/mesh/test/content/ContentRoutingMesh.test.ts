import * as ContentId from "@continuum/core/ContentId"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import { groupBytes } from "../../src/content/Blake3.ts"
import { outlineOf } from "../../src/content/VerifiedStream.ts"
import { contentLiarMs } from "../../src/Limits.ts"
import { connect, contentOf, elapse, lyingGroups, makeNode, put } from "./Network.ts"
import { parentOf } from "./Tree.ts"

const unknownId = ContentId.of("nobody has this")

/** Counts the groups that a node is asked for. */
const counting = () => {
  const counts = { groups: 0, have: 0 }
  return {
    counts,
    way: {
      onMessage: ({ _tag }: { readonly _tag: string }) => {
        if (_tag === "Group") counts.groups++
        if (_tag === "Have") counts.have++
      }
    }
  }
}

describe("fetching content", () => {
  it.effect("brings it here from a peer that has it, whatever its size", () =>
    Effect.gen(function* () {
      const [here, there] = [yield* makeNode(1), yield* makeNode(2)]
      yield* connect(here, there)
      for (const length of [0, 1, 1024, groupBytes, groupBytes + 1, 5 * groupBytes - 1, 9 * groupBytes + 333]) {
        const content = contentOf(length + 1, length)
        const id = yield* put(there, content)
        expect((yield* elapse(here.mesh.routing.fetch(id))).result).toEqual({ fetched: true })
        expect(ContentId.of(yield* here.store.get(id))).toBe(id)
        expect((yield* elapse(here.mesh.routing.fetch(id))).result).toEqual({ fetched: false })
      }
    })
  )

  it.effect("fails when nobody has it, and says which content", () =>
    Effect.gen(function* () {
      const here = yield* makeNode(1)
      expect((yield* Effect.flip(here.mesh.routing.fetch(unknownId)))._tag).toBe("ContentUnknown")
      yield* connect(here, yield* makeNode(2))
      const error = (yield* elapse(Effect.flip(here.mesh.routing.fetch(unknownId)))).result
      expect(error.message).toContain(unknownId)
    })
  )

  it.effect("uses several sources at once, each group once", () =>
    Effect.gen(function* () {
      const here = yield* makeNode(1)
      const content = contentOf(1, 24 * groupBytes)
      const asked: Array<{ readonly groups: number }> = []
      let id = unknownId
      for (const number of [2, 3, 4]) {
        const there = yield* makeNode(number)
        id = yield* put(there, content)
        const { counts, way } = counting()
        asked.push(counts)
        yield* connect(here, there, { a: way, b: { latencyMs: 10, bytesPerMs: 1_000 } })
      }
      const { ms } = yield* elapse(here.mesh.routing.fetch(id))
      const counts = asked.map(({ groups }) => groups)
      expect(counts.reduce((sum, count) => sum + count)).toBe(24)
      expect(Math.min(...counts)).toBeGreaterThanOrEqual(5)
      // One source alone: 24 groups at 262 ms each.
      expect(ms).toBeLessThan(24 * 262 * 0.6)
    })
  )

  it.effect("is one transfer for all who want the same, and outlives each of them but the last", () =>
    Effect.gen(function* () {
      const [here, there] = [yield* makeNode(1), yield* makeNode(2)]
      const { counts, way } = counting()
      yield* connect(here, there, { a: way, b: { bytesPerMs: 1_000 } })
      const id = yield* put(there, contentOf(1, 6 * groupBytes))
      const first = yield* Effect.forkChild(here.mesh.routing.fetch(id), { startImmediately: true })
      const second = yield* Effect.forkChild(here.mesh.routing.fetch(id), { startImmediately: true })
      yield* TestClock.adjust(700)
      yield* Fiber.interrupt(first)
      yield* elapse(Fiber.join(second))
      expect(counts.groups).toBe(6)
      expect(yield* here.store.has(id)).toBe(true)
    })
  )

  it.effect("ends over there as well when nobody waits for it any more, and goes on later", () =>
    Effect.gen(function* () {
      const [here, there] = [yield* makeNode(1), yield* makeNode(2)]
      const { counts, way } = counting()
      yield* connect(here, there, { a: way, b: { bytesPerMs: 1_000 } })
      const id = yield* put(there, contentOf(1, 40 * groupBytes))
      const fetching = yield* Effect.forkChild(here.mesh.routing.fetch(id), { startImmediately: true })
      yield* TestClock.adjust(5_000)
      yield* Fiber.interrupt(fetching)
      yield* TestClock.adjust(60_000)
      const asked = counts.groups
      expect(asked).toBeLessThan(30)
      yield* elapse(here.mesh.routing.fetch(id))
      // The window that was on its way is asked for again.
      expect(counts.groups).toBeLessThanOrEqual(40 + 4)
    })
  )

  it.effect("asks the hint first, and nobody else when that has it", () =>
    Effect.gen(function* () {
      const [here, hinted, other] = [yield* makeNode(1), yield* makeNode(2), yield* makeNode(3)]
      const toOther = counting()
      yield* connect(here, other, { a: toOther.way })
      yield* connect(here, hinted, { b: { latencyMs: 40 } })
      const content = contentOf(1, 1_000)
      const id = yield* put(hinted, content)
      yield* put(other, content)
      yield* elapse(here.mesh.routing.fetch(id, { hint: hinted.key }))
      expect(toOther.counts).toEqual({ groups: 0, have: 0 })
    })
  )

  it.effect("asks the others when the hint cannot be reached, does not have it, or says nothing", () =>
    Effect.gen(function* () {
      const [here, without, silent, other] = [
        yield* makeNode(1),
        yield* makeNode(2),
        yield* makeNode(3),
        yield* makeNode(4)
      ]
      for (const [peer, way] of [
        [without, {}],
        [silent, { tamper: () => undefined }],
        [other, {}]
      ] as const) {
        yield* connect(here, peer, { b: way })
      }
      const unreachable = (yield* makeNode(5)).key
      for (const [seed, hint] of [without.key, silent.key, unreachable].entries()) {
        const id = yield* put(other, contentOf(seed + 1, 2 * groupBytes))
        yield* put(silent, contentOf(seed + 1, 2 * groupBytes))
        expect((yield* elapse(here.mesh.routing.fetch(id, { hint }))).result).toEqual({ fetched: true })
      }
    })
  )

  it.effect("dials the hint when there is no connection to it", () =>
    Effect.gen(function* () {
      const [here, there] = [yield* makeNode(1), yield* makeNode(2)]
      const scope = yield* Effect.scope
      here.dials.set(there.key, Effect.asVoid(Scope.provide(connect(here, there), scope)))
      const id = yield* put(there, contentOf(1, 1_000))
      expect((yield* elapse(here.mesh.routing.fetch(id, { hint: there.key }))).result).toEqual({ fetched: true })
    })
  )

  it.effect("takes nothing from a peer that does not grant reading, and serves nothing to a stranger", () =>
    Effect.gen(function* () {
      const [here, there] = [yield* makeNode(1), yield* makeNode(2)]
      there.strangers.add(here.key)
      const link = yield* connect(here, there)
      const id = yield* put(there, contentOf(1, 1_000))
      expect((yield* elapse(Effect.flip(here.mesh.routing.fetch(id)))).result._tag).toBe("ContentUnknown")
      expect((yield* elapse(here.mesh.routing.providers(id))).result).toEqual([])
      expect(link.isOpen()).toBe(true)
      there.strangers.clear()
      expect((yield* elapse(here.mesh.routing.fetch(id))).result).toEqual({ fetched: true })
    })
  )
})

describe("a peer that lies", () => {
  it.effect("is left at its first false group, the content comes from elsewhere, and it is not asked again", () =>
    Effect.gen(function* () {
      const [here, liar, honest] = [yield* makeNode(1), yield* makeNode(2), yield* makeNode(3)]
      const toLiar = counting()
      yield* connect(here, liar, { a: toLiar.way, b: { tamper: lyingGroups } })
      yield* connect(here, honest, { b: { latencyMs: 30 } })
      const content = contentOf(1, 12 * groupBytes)
      const id = yield* put(liar, content)
      yield* put(honest, content)
      yield* elapse(here.mesh.routing.fetch(id))
      expect(ContentId.of(yield* here.store.get(id))).toBe(id)
      expect(toLiar.counts.groups).toBe(1)

      const again = yield* put(liar, contentOf(2, 1_000))
      expect((yield* elapse(Effect.flip(here.mesh.routing.fetch(again)))).result._tag).toBe("ContentUnknown")
      expect(toLiar.counts.have).toBe(1)
      yield* TestClock.adjust(contentLiarMs)
      yield* elapse(Effect.flip(here.mesh.routing.fetch(again)))
      expect(toLiar.counts.have).toBe(2)
    })
  )

  it.effect("about single groups is found out, and only it is blamed", () =>
    Effect.gen(function* () {
      const [here, liar, honest] = [yield* makeNode(1), yield* makeNode(2), yield* makeNode(3)]
      const [toLiar, toHonest] = [counting(), counting()]
      let parts = 0
      yield* connect(here, liar, {
        a: toLiar.way,
        // Its proof is true: the first group is what 4 parts bring.
        b: { tamper: (message) => (message._tag === "Part" && ++parts > 4 ? lyingGroups(message) : message) }
      })
      yield* connect(here, honest, { a: toHonest.way, b: { latencyMs: 5, bytesPerMs: 500 } })
      const content = contentOf(1, 20 * groupBytes)
      const id = yield* put(liar, content)
      yield* put(honest, content)
      yield* elapse(here.mesh.routing.fetch(id))
      expect(ContentId.of(yield* here.store.get(id))).toBe(id)
      const next = yield* put(honest, contentOf(2, 1_000))
      yield* put(liar, contentOf(2, 1_000))
      yield* elapse(here.mesh.routing.fetch(next))
      expect([toLiar.counts.have, toHonest.counts.have]).toEqual([1, 2])
    })
  )

  it.effect("about the length, with inner values of the tree as its groups, is the one that is blamed", () =>
    Effect.gen(function* () {
      const [here, liar, honest] = [yield* makeNode(1), yield* makeNode(2), yield* makeNode(3)]
      const content = contentOf(1, 4 * groupBytes)
      const { hashes } = outlineOf(content)
      const inner = new Uint8Array(64)
      inner.set(parentOf(hashes.subarray(0, 64)), 0)
      inner.set(parentOf(hashes.subarray(64)), 32)
      const toLiar = counting()
      yield* connect(here, liar, {
        a: toLiar.way,
        b: {
          tamper: (message) =>
            message._tag === "Outlined" ? { ...message, length: 2 * groupBytes, hashes: inner } : message
        }
      })
      const id = yield* put(liar, content)
      expect((yield* elapse(Effect.flip(here.mesh.routing.fetch(id)))).result._tag).toBe("ContentUnknown")
      yield* connect(here, honest)
      yield* put(honest, content)
      yield* elapse(here.mesh.routing.fetch(id))
      expect(toLiar.counts.have).toBe(1)
    })
  )
})

describe("a peer that vanishes in the middle", () => {
  it.effect("costs nothing of what it gave: the next source goes on from there", () =>
    Effect.gen(function* () {
      const [here, first, second] = [yield* makeNode(1), yield* makeNode(2), yield* makeNode(3)]
      const [toFirst, toSecond] = [counting(), counting()]
      const link = yield* connect(here, first, { a: toFirst.way, b: { bytesPerMs: 1_000 } })
      const content = contentOf(1, 16 * groupBytes)
      const id = yield* put(first, content)
      yield* put(second, content)
      const fetching = yield* Effect.forkChild(here.mesh.routing.fetch(id), { startImmediately: true })
      for (let i = 0; i < 100; i++) yield* TestClock.adjust(20)
      link.cut()
      // It comes back to life elsewhere within the time that the transfer waits.
      yield* TestClock.adjust(1_000)
      yield* connect(here, second, { a: toSecond.way })
      yield* elapse(Fiber.join(fetching))
      expect(yield* here.store.has(id)).toBe(true)
      expect(toSecond.counts.groups).toBeLessThanOrEqual(11)
    })
  )

  it.effect("and does not come back: the fetch fails, and a later one goes on where this one ended", () =>
    Effect.gen(function* () {
      const [here, there] = [yield* makeNode(1), yield* makeNode(2)]
      const link = yield* connect(here, there, { b: { bytesPerMs: 1_000 } })
      const id = yield* put(there, contentOf(1, 16 * groupBytes))
      const fetching = yield* Effect.forkChild(Effect.flip(here.mesh.routing.fetch(id)), { startImmediately: true })
      for (let i = 0; i < 100; i++) yield* TestClock.adjust(20)
      link.cut()
      expect((yield* elapse(Fiber.join(fetching))).result._tag).toBe("ContentUnknown")
      const again = counting()
      yield* connect(here, there, { a: again.way })
      yield* elapse(here.mesh.routing.fetch(id))
      expect(again.counts.groups).toBeLessThanOrEqual(11)
    })
  )
})

describe("a slow or silent peer", () => {
  it.effect("does not hold up the content when another has it", () =>
    Effect.gen(function* () {
      const [here, slow, quick] = [yield* makeNode(1), yield* makeNode(2), yield* makeNode(3)]
      yield* connect(here, slow, { b: { bytesPerMs: 1 } })
      yield* connect(here, quick, { b: { latencyMs: 20, bytesPerMs: 1_000 } })
      const content = contentOf(1, 12 * groupBytes)
      const id = yield* put(slow, content)
      yield* put(quick, content)
      const { ms } = yield* elapse(here.mesh.routing.fetch(id))
      expect(ms).toBeLessThan(12 * 262 + 5_000)
    })
  )

  it.effect("gives what it can, and what it owes for long comes from another", () =>
    Effect.gen(function* () {
      const [here, slow, quick] = [yield* makeNode(1), yield* makeNode(2), yield* makeNode(3)]
      const toSlow = counting()
      yield* connect(here, slow, { a: toSlow.way, b: { latencyMs: 30, bytesPerMs: 10 } })
      yield* connect(here, quick, { b: { latencyMs: 5, bytesPerMs: 1_000 } })
      const content = contentOf(1, 12 * groupBytes)
      const id = yield* put(slow, content)
      yield* put(quick, content)
      const { ms } = yield* elapse(here.mesh.routing.fetch(id))
      expect(toSlow.counts.groups).toBeGreaterThanOrEqual(4)
      // The slow one alone needs 26 s for a group.
      expect(ms).toBeLessThan(12 * 282 + 5_000)
    })
  )

  it.effect("is given up in bounded time when it is the only one", () =>
    Effect.gen(function* () {
      const [here, there] = [yield* makeNode(1), yield* makeNode(2)]
      yield* connect(here, there, { b: { tamper: (message) => (message._tag === "Part" ? undefined : message) } })
      const id = yield* put(there, contentOf(1, 1_000))
      const { ms, result } = yield* elapse(Effect.flip(here.mesh.routing.fetch(id)))
      expect(result._tag).toBe("ContentUnknown")
      expect(ms).toBeLessThan(70_000)
    })
  )
})

describe("providers", () => {
  it.effect("are the connected peers that say they have it, the nearest first", () =>
    Effect.gen(function* () {
      const [here, far, near, without, silent] = yield* Effect.all([1, 2, 3, 4, 5].map(makeNode))
      yield* connect(here!, far!, { b: { latencyMs: 100 } })
      yield* connect(here!, near!, { b: { latencyMs: 10 } })
      yield* connect(here!, without!)
      yield* connect(here!, silent!, { b: { tamper: () => undefined } })
      const content = contentOf(1, 10)
      const id = yield* put(far!, content)
      yield* put(near!, content)
      yield* put(silent!, content)
      expect((yield* elapse(here!.mesh.routing.providers(id))).result).toEqual([near!.key, far!.key])
    })
  )
})
