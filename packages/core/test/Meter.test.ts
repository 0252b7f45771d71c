import { describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { expect } from "vitest"
import * as Meter from "../src/Meter.ts"
import { accountsMax, laws } from "../src/testing/MeterLaws.ts"

describe("the meter in memory", () => {
  for (const { name, check } of laws) it.effect(name, () => Effect.provide(check, Meter.layerMemory(accountsMax)))

  it.effect("names its overflow account so that no address or key can be it", () =>
    Effect.gen(function* () {
      expect(Meter.overflowAccount).not.toMatch(/^[a-z0-9:/-]+$/)
      const meter = yield* Meter.Meter
      yield* meter.add(Meter.overflowAccount, "ms", 1)
      expect(Schema.is(Schema.Array(Meter.Usage))(yield* meter.usages)).toBe(true)
    }).pipe(Effect.provide(Meter.layerMemory(0)))
  )
})
