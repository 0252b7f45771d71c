import { describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { laws, World } from "../src/testing/TransportLaws.ts"
import * as TransportMemory from "../src/testing/TransportMemory.ts"

const world = Layer.effect(World, TransportMemory.make())

describe.concurrent("the network in memory", () => {
  for (const { name, check } of laws) it.live(name, () => Effect.provide(check, world))
})
