import { describe, expect, it } from "@effect/vitest"
import { Duration } from "effect"
import * as SupervisionStrategy from "../src/SupervisionStrategy.ts"

describe("a strategy", () => {
  it("is what its options say, and the defaults where they say nothing", () => {
    expect(SupervisionStrategy.make()).toEqual(SupervisionStrategy.actorDefault)
    expect(SupervisionStrategy.make({}, SupervisionStrategy.serviceDefault).intensity).toBe(Number.POSITIVE_INFINITY)
    const own = SupervisionStrategy.make({ restart: "temporary", intensity: 0, period: "5 seconds" })
    expect(own).toEqual({
      ...SupervisionStrategy.actorDefault,
      restart: "temporary",
      intensity: 0,
      period: Duration.seconds(5)
    })
  })

  it("refuses what makes no sense, and takes what is just inside", () => {
    expect(() => SupervisionStrategy.make({ intensity: -1 })).toThrow("intensity must be 0 or more")
    expect(() => SupervisionStrategy.make({ intensity: Number.NaN })).toThrow("intensity")
    expect(() => SupervisionStrategy.make({ backoffFactor: 0.99 })).toThrow("backoffFactor must be 1 or more")
    expect(() => SupervisionStrategy.make({ jitter: 1.01 })).toThrow("jitter must be 0 to 1")
    expect(() => SupervisionStrategy.make({ jitter: -0.01 })).toThrow("jitter")
    expect(SupervisionStrategy.make({ backoffFactor: 1, jitter: 1 })).toMatchObject({ backoffFactor: 1, jitter: 1 })
  })
})
