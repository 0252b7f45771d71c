import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Hub, start } from "./support/Hub.ts"
import { echo, envelopeTo } from "./support/Echo.ts"

describe("two nodes", () => {
  it.live("greet, and an ask is answered in the other one", () =>
    Effect.gen(function* () {
      const hub = new Hub()
      const [a, b] = [yield* start(hub, 1), yield* start(hub, 2)]
      yield* b.delivery.serve(echo)
      const peer = yield* a.mesh.add(b.key)
      expect(peer).toMatchObject({ publicKey: b.key, realm: b.realm, name: "node-2", connected: true })
      yield* b.mesh.grant(a.key, ["actors.ask"])
      const outcome = yield* a.delivery.ask(envelopeTo(b.realm, "hello"))
      expect(outcome).toEqual({ _tag: "Replied", value: ["hello", a.key] })
    })
  )
})
void Fiber
