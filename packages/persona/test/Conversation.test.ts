import { assert, describe, it } from "@effect/vitest"
import * as Conversation from "@continuum/persona/Conversation"
import * as Limits from "@continuum/persona/Limits"
import * as fc from "fast-check"

const said = (conversations: Conversation.Conversations, id: string) =>
  Conversation.turnsOf(conversations, id).map(({ content }) => content)

describe("conversations", () => {
  it("remember questions and answers in their order, each conversation its own", () => {
    let all: Conversation.Conversations = []
    all = Conversation.append(all, "a", "q1", "a1")
    all = Conversation.append(all, "b", "other", "thing")
    all = Conversation.append(all, "a", "q2", "a2")
    assert.deepStrictEqual(said(all, "a"), ["q1", "a1", "q2", "a2"])
    assert.deepStrictEqual(said(all, "b"), ["other", "thing"])
    assert.deepStrictEqual(said(all, "c"), [])
    assert.deepStrictEqual(said(Conversation.without(all, "a"), "a"), [])
    assert.deepStrictEqual(said(Conversation.without(all, "a"), "b"), ["other", "thing"])
  })

  it("let the oldest pair fall out at the limit of turns, and not one pair sooner", () => {
    let all: Conversation.Conversations = []
    const pairs = Limits.conversationTurnsMax / 2
    for (let i = 0; i < pairs; i++) all = Conversation.append(all, "a", `q${i}`, `a${i}`)
    assert.strictEqual(said(all, "a")[0], "q0")
    all = Conversation.append(all, "a", "last", "answer")
    assert.strictEqual(said(all, "a").length, Limits.conversationTurnsMax)
    assert.strictEqual(said(all, "a")[0], "q1")
    assert.strictEqual(said(all, "a").at(-1), "answer")
  })

  it("forget the conversation that was unused for longest at the limit of conversations", () => {
    let all: Conversation.Conversations = []
    for (let i = 0; i < Limits.conversationsMax; i++) all = Conversation.append(all, `c${i}`, "q", "a")
    all = Conversation.append(all, "c0", "again", "a")
    all = Conversation.append(all, "new", "q", "a")
    assert.strictEqual(all.length, Limits.conversationsMax)
    assert.deepStrictEqual(said(all, "c1"), [])
    assert.strictEqual(said(all, "c0").length, 4)
  })

  it("never hold more bytes than the limit, whatever is said, and always the last pair", () => {
    const text = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.constantFrom("é".repeat(3000), "汉".repeat(6000), "😀".repeat(9000), "a".repeat(20_000))
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 40 }), (pairs) => {
        let all: Conversation.Conversations = []
        for (const [question, answer] of pairs) {
          all = Conversation.append(all, "a", question, answer)
          const turns = Conversation.turnsOf(all, "a")
          assert.isAtMost(Conversation.bytesOf(turns), Limits.conversationBytesMax)
          assert.isAtLeast(turns.length, 2)
          assert.strictEqual(turns.length % 2, 0)
          assert.isTrue(question.startsWith(turns.at(-2)!.content.slice(0, 100)))
          for (const { content } of turns) assert.isTrue(content.isWellFormed() || !question.isWellFormed())
        }
      }),
      { numRuns: 60 }
    )
  })
})
