import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { Entry } from "../src/Actor.ts"
import { Ask } from "../src/Ask.ts"
import { mailboxChunkMessages } from "../src/Limits.ts"
import { Mailbox } from "../src/Mailbox.ts"

const entry = (name: string): Entry => ({
  name,
  handler: () => undefined,
  streams: false,
  isPayload: undefined,
  schemas: undefined,
  urgent: name.startsWith("!"),
  reentrant: false
})
const entries = [entry("a"), entry("b"), entry("c")]
const urgent = entry("!now")

interface Model {
  readonly capacity: number
  readonly waiting: Array<{ readonly entry: Entry; readonly payload: number; readonly ask: Ask | undefined }>
}

/** Offers `count` messages, told from each other by their payloads. Urgent ones go before all others, and behind urgent ones. */
class Offer implements fc.Command<Model, Mailbox> {
  readonly count: number
  readonly isUrgent: boolean
  constructor(count: number, isUrgent = false) {
    this.count = count
    this.isUrgent = isUrgent
  }
  check = () => true
  run(model: Model, mailbox: Mailbox) {
    for (let i = 0; i < this.count; i++) {
      const entry = this.isUrgent ? urgent : entries[i % 3]!
      const message = { entry, payload: i, ask: i % 2 === 0 ? new Ask(undefined) : undefined }
      const hasRoom = model.waiting.length < model.capacity
      expect(mailbox.put(entry, message.payload, message.ask)).toBe(hasRoom)
      if (hasRoom) model.waiting.splice(this.isUrgent ? urgentsOf(model) : model.waiting.length, 0, message)
    }
    expectSame(model, mailbox)
  }
  toString = () => `offer(${this.count}${this.isUrgent ? ", urgent" : ""})`
}

/** Puts `count` messages back, whatever room there is. */
class PutBack implements fc.Command<Model, Mailbox> {
  readonly count: number
  constructor(count: number) {
    this.count = count
  }
  check = () => true
  run(model: Model, mailbox: Mailbox) {
    const messages = Array.from({ length: this.count }, (_, i) => ({
      entry: entries[i % 3]!,
      payload: 1_000 + i,
      ask: new Ask(undefined)
    }))
    mailbox.putBack(messages)
    model.waiting.splice(urgentsOf(model), 0, ...messages)
    expectSame(model, mailbox)
  }
  toString = () => `putBack(${this.count})`
}

const urgentsOf = ({ waiting }: Model): number => {
  const ordinary = waiting.findIndex(({ entry }) => entry !== urgent)
  return ordinary < 0 ? waiting.length : ordinary
}

class Take implements fc.Command<Model, Mailbox> {
  readonly count: number
  constructor(count: number) {
    this.count = count
  }
  check = (model: Readonly<Model>) => model.waiting.length > 0
  run(model: Model, mailbox: Mailbox) {
    for (let i = 0; i < this.count && model.waiting.length > 0; i++) {
      const { ask, entry, payload } = mailbox
      expect({ entry, payload, ask }).toEqual(model.waiting[0])
      expect(ask).toBe(model.waiting[0]!.ask)
      mailbox.drop()
      model.waiting.shift()
    }
    expectSame(model, mailbox)
  }
  toString = () => `take(${this.count})`
}

/** Makes room: the oldest that is not urgent, or the oldest. */
class Shed implements fc.Command<Model, Mailbox> {
  check = (model: Readonly<Model>) => model.waiting.length > 0
  run(model: Model, mailbox: Mailbox) {
    const at = urgentsOf(model) % model.waiting.length
    expect(mailbox.shed()).toEqual(model.waiting[at])
    model.waiting.splice(at, 1)
    expectSame(model, mailbox)
  }
  toString = () => "shed()"
}

const expectSame = (model: Model, mailbox: Mailbox) => {
  expect(mailbox.size).toBe(model.waiting.length)
  expect(mailbox.names(5)).toEqual(model.waiting.slice(0, 5).map(({ entry }) => entry.name))
  // What is held follows from what waits: at most one chunk begun at each end.
  expect(mailbox.chunks).toBeLessThanOrEqual(Math.ceil(model.waiting.length / mailboxChunkMessages) + 1)
  if (model.waiting.length === 0) expect(mailbox.chunks).toBe(0)
}

describe("a mailbox", () => {
  it("lets urgent messages and those put back go before the others, each in their order, and sheds urgent ones last", () => {
    const counts = fc.integer({ min: 1, max: 5 })
    const many = fc.integer({ min: 1, max: 2 * mailboxChunkMessages })
    const commands = fc.commands(
      [
        many.map((count) => new Offer(count)),
        counts.map((count) => new Offer(count, true)),
        counts.map((count) => new PutBack(count)),
        fc.constant(new Shed()),
        many.map((count) => new Take(count))
      ],
      { maxCommands: 60 }
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), commands, (capacity, commands) =>
        fc.modelRun(() => ({ model: { capacity, waiting: [] }, real: new Mailbox(capacity) }), commands)
      )
    )
  })

  it("is a bounded queue, first in, first out, that holds nothing when empty", () => {
    const counts = fc.integer({ min: 1, max: 3 * mailboxChunkMessages })
    const commands = fc.commands([counts.map((count) => new Offer(count)), counts.map((count) => new Take(count))], {
      maxCommands: 60
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), commands, (capacity, commands) =>
        fc.modelRun(() => ({ model: { capacity, waiting: [] }, real: new Mailbox(capacity) }), commands)
      )
    )
  })

  it("takes exactly its capacity", () => {
    const mailbox = new Mailbox(2)
    expect([1, 2, 3].map((payload) => mailbox.put(entries[0]!, payload, undefined))).toEqual([true, true, false])
    mailbox.drop()
    expect(mailbox.put(entries[0]!, 4, undefined)).toBe(true)
    expect(mailbox.payload).toBe(2)
  })
})
