import { ContentStore, layerMemory } from "@continuum/core/ContentStore"
import * as ContentId from "@continuum/core/ContentId"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import { type ContentMessage, decodeUnsafe, encode } from "../../src/content/ContentMessage.ts"
import * as ContentPeers from "../../src/content/ContentPeers.ts"
import { groupBytes } from "../../src/content/Blake3.ts"
import { contentPartBytesMax, contentRequestsPerPeerMax, contentUnreadMsMax } from "../../src/Limits.ts"
import { contentOf, makeNode } from "./Network.ts"

/** A node's side of a channel, with the test as its peer. */
const face = Effect.fnUntraced(function* (options: { readonly reads?: boolean; readonly granted?: boolean } = {}) {
  const store = yield* ContentStore
  const peers = yield* ContentPeers.make(() => options.granted ?? true)
  const { key } = yield* makeNode(9)
  const sent: Array<ContentMessage> = []
  let ended: string | undefined
  const events = peers.protocol.open({
    peer: key,
    send: (bytes) => {
      sent.push(decodeUnsafe(bytes))
      return options.reads ?? true
    },
    close: (reason) => void (ended = reason ?? "")
  })
  const say = (message: ContentMessage) => events.message(encode(message))
  return { store, peers, key, sent, events, say, ended: () => ended, settle }
})

/** Lets everything run that does not wait for time. */
const settle = Effect.forEach(Array.from({ length: 30 }), () => TestClock.adjust(1), { discard: true })

const contentId = ContentId.of("some content")

describe("a node that is asked", () => {
  it.effect("sends a group in parts, and the outline, of what it has", () =>
    Effect.gen(function* () {
      const { say, sent, settle, store } = yield* face()
      const content = contentOf(1, groupBytes + 100)
      const id = yield* store.put(content)
      say({ _tag: "Group", request: 0, contentId: id, index: 0 })
      say({ _tag: "Group", request: 1, contentId: id, index: 1 })
      say({ _tag: "Group", request: 2, contentId: id, index: 2 })
      yield* settle
      const parts = sent.filter((message) => message._tag === "Part")
      expect(parts.map(({ bytes, last, request }) => [request, bytes.length, last])).toEqual([
        ...[1, 2, 3, 4].map((part) => [0, contentPartBytesMax, part === 4]),
        [1, 100, true]
      ])
      expect(sent.at(-1)).toEqual({ _tag: "Missing", request: 2 })
      say({ _tag: "Outline", request: 3, contentId: id })
      yield* settle
      expect(sent.at(-1)).toMatchObject({ _tag: "Outlined", request: 3, length: content.length })
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("refuses a stranger everything, also whether it has something", () =>
    Effect.gen(function* () {
      const { say, sent, settle, store } = yield* face({ granted: false })
      const id = yield* store.put(contentOf(1, 10))
      say({ _tag: "Have", request: 0, contentId: id })
      say({ _tag: "Outline", request: 1, contentId: id })
      say({ _tag: "Group", request: 2, contentId: id, index: 0 })
      yield* settle
      expect(sent.map(({ _tag }) => _tag)).toEqual(["Refused", "Refused", "Refused"])
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("sends a peer that does not read one message, and ends its connection after a while", () =>
    Effect.gen(function* () {
      const { ended, say, sent, settle, store } = yield* face({ reads: false })
      const id = yield* store.put(contentOf(1, 3 * groupBytes))
      for (let request = 0; request < 3; request++) say({ _tag: "Group", request, contentId: id, index: request })
      yield* settle
      expect([sent.length, ended()]).toEqual([1, undefined])
      yield* TestClock.adjust(contentUnreadMsMax)
      expect(ended()).toContain("reads nothing")
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("takes as many requests at a time as the limit, and not one more", () =>
    Effect.gen(function* () {
      const { say, store } = yield* face({ reads: false })
      const id = yield* store.put(contentOf(1, 10))
      const ask = (request: number) => say({ _tag: "Group", request, contentId: id, index: 0 })
      for (let request = 0; request < contentRequestsPerPeerMax; request++) ask(request)
      expect(() => ask(contentRequestsPerPeerMax)).toThrow(`more than ${contentRequestsPerPeerMax} requests`)
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("stops sending what is cancelled", () =>
    Effect.gen(function* () {
      const { events, say, sent, settle, store } = yield* face({ reads: false })
      const id = yield* store.put(contentOf(1, 2 * groupBytes))
      say({ _tag: "Group", request: 0, contentId: id, index: 0 })
      yield* settle
      say({ _tag: "Cancel", request: 0 })
      say({ _tag: "Cancel", request: 77 })
      events.drain()
      yield* settle
      expect(sent.length).toBe(1)
      expect(() => say({ _tag: "Have", request: 0, contentId: id })).not.toThrow()
    }).pipe(Effect.provide(layerMemory))
  )
})

describe("a node that asks", () => {
  it.effect("ends the connection of a peer that answers what was never asked, or with something else", () =>
    Effect.gen(function* () {
      const { key, peers, say, settle } = yield* face()
      expect(() => say({ _tag: "Held", request: 0 })).toThrow("request 0 was never made")
      yield* Effect.forkScoped(Effect.ignore(peers.sources.get(key)!.have(contentId)))
      yield* settle
      const part = { _tag: "Part", request: 0, bytes: new Uint8Array(1), last: true } as const
      expect(() => say(part)).toThrow("Part does not answer request 0")
      say({ _tag: "Held", request: 0 })
      // The answer to a request that is over may still be on its way.
      say({ _tag: "Held", request: 0 })
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("takes no more of a group than was asked for", () =>
    Effect.gen(function* () {
      const { key, peers, say, settle } = yield* face()
      const group = yield* Effect.forkScoped(peers.sources.get(key)!.group(contentId, 0, 100))
      yield* settle
      say({ _tag: "Part", request: 0, bytes: new Uint8Array(90), last: false })
      say({ _tag: "Part", request: 0, bytes: new Uint8Array(90), last: false })
      yield* settle
      expect(group.pollUnsafe()).toMatchObject({ value: new Uint8Array(180) })
      const endless = yield* Effect.forkScoped(peers.sources.get(key)!.group(contentId, 0, 100))
      yield* settle
      expect(endless.pollUnsafe()).toBeUndefined()
      expect(() => say({ _tag: "Part", request: 1, bytes: new Uint8Array(0), last: false })).toThrow("does not answer")
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("cancels what it no longer waits for, and nothing that was answered", () =>
    Effect.gen(function* () {
      const { key, peers, say, sent } = yield* face()
      const source = peers.sources.get(key)!
      const first = yield* Effect.forkScoped(source.have(contentId))
      const second = yield* Effect.forkScoped(source.have(contentId))
      yield* settle
      say({ _tag: "Held", request: 0 })
      yield* Fiber.interrupt(second)
      yield* Fiber.await(first)
      expect(sent.filter(({ _tag }) => _tag === "Cancel")).toEqual([{ _tag: "Cancel", request: 1 }])
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("learns at once that the channel is closed", () =>
    Effect.gen(function* () {
      const { events, key, peers, settle } = yield* face()
      const source = peers.sources.get(key)!
      const asking = yield* Effect.forkScoped(Effect.flip(source.have(contentId)))
      yield* settle
      events.closed()
      yield* settle
      expect(asking.pollUnsafe()).toMatchObject({ value: { reason: "gone" } })
      expect((yield* Effect.flip(source.outline(contentId))).reason).toBe("gone")
      expect(peers.sources.size).toBe(0)
    }).pipe(Effect.provide(layerMemory))
  )
})

describe("bytes that are no message", () => {
  it("are refused, whatever they are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => decodeUnsafe(bytes)).toThrow("no content message")
      }),
      { numRuns: 500 }
    )
    for (const message of [
      { _tag: "Group", request: 0, contentId, index: 256 },
      { _tag: "Group", request: 0, contentId, index: -1 },
      { _tag: "Have", request: -1, contentId },
      { _tag: "Have", request: 0, contentId: "xyz" },
      { _tag: "Outlined", request: 0, length: 2 ** 40, hashes: new Uint8Array(32) },
      { _tag: "Part", request: 0, bytes: new Uint8Array(contentPartBytesMax + 1), last: true }
    ]) {
      expect(() => decodeUnsafe(encode(message as ContentMessage))).toThrow("no content message")
    }
    expect(() => decodeUnsafe(new Uint8Array(2_000_000))).toThrow("2000000 bytes are more than")
  })

  it("are another version of this protocol's when a tag is unknown", () => {
    expect(() => decodeUnsafe(encode({ _tag: "Later", request: 0 } as never))).toThrow("no content message")
    const message: ContentMessage = { _tag: "Group", request: 5, contentId, index: 255 }
    expect(decodeUnsafe(encode(message))).toEqual(message)
  })
})
