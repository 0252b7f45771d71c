import { describe, expect, it } from "@effect/vitest"
import * as Limits from "../src/Limits.ts"
import { PeerMisbehaved } from "../src/MeshError.ts"
import { Problems } from "../src/Problems.ts"
import { identityOf } from "./support/Hub.ts"

const keyOf = (seed: number) => identityOf(seed).node.publicKey
const friend = keyOf(1)
const of = (peer: typeof friend, reason = "it lies") => new PeerMisbehaved({ peer, reason })
const withFriend = () => new Problems((peer) => peer !== friend)

describe("problems with connections", () => {
  it("are each kept once, with how often and when last, newest last", () => {
    const problems = withFriend()
    for (const timeMs of [1, 2, 3]) problems.add(of(friend), timeMs)
    problems.add(of(friend, "it is late"), 4)
    problems.add(of(friend), 5)
    expect(problems.seen.map(({ count, problem, timeMs }) => [problem.message, count, timeMs])).toEqual([
      [of(friend, "it is late").message, 1, 4],
      [of(friend).message, 4, 5]
    ])
  })

  it("are logged once a minute when they are the same", () => {
    const problems = withFriend()
    const logged = [0, 1, Limits.refusalLogEveryMs - 1, Limits.refusalLogEveryMs].map((ms) =>
      problems.add(of(friend), ms)
    )
    expect(logged).toEqual([true, false, false, true])
  })

  it("of strangers, under however many keys, are counted, logged once a second, and push out none of a friend", () => {
    const problems = withFriend()
    problems.add(of(friend), 0)
    const logged = Array.from({ length: 200 }, (_, index) => problems.add(of(keyOf(index + 2)), index * 10))
    expect(logged.filter(Boolean)).toHaveLength(2)
    expect(problems.strangers).toEqual({ count: 200, lastMs: 1_990 })
    expect(problems.seen).toHaveLength(Limits.problemsKept)
    expect(problems.seen[0]).toMatchObject({ isStranger: false, count: 1 })
  })

  it("of friends alone push out the oldest of theirs", () => {
    const problems = new Problems(() => false)
    for (let index = 0; index <= Limits.problemsKept; index++) problems.add(of(friend, `${index}`), index)
    expect(problems.seen.map(({ problem }) => problem.message)).toEqual(
      Array.from({ length: Limits.problemsKept }, (_, index) => of(friend, `${index + 1}`).message)
    )
    expect(problems.strangers).toEqual({ count: 0, lastMs: 0 })
  })
})
