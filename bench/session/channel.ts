/** An echo on a channel between two nodes: framing and credit, without envelopes. */
import type { Channel } from "@continuum/mesh/Channel"
import { Effect } from "effect"
import { Hub, start } from "../../packages/mesh/test/support/Hub.ts"
import { finish } from "../Measure.ts"
import { inOrder, runEcho } from "./Workload.ts"

const nothing = () => undefined
let near: Channel | undefined
const { ask, reply } = inOrder((bytes) => near!.send(bytes))
const asking = {
  name: "echo/1",
  open: (channel: Channel) => {
    near = channel
    return { message: reply, drain: nothing, closed: nothing }
  }
}
const answering = {
  name: "echo/1",
  open: (channel: Channel) => ({
    message: (bytes: Uint8Array) => void channel.send(bytes),
    drain: nothing,
    closed: nothing
  })
}

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const hub = new Hub()
      const a = yield* start(hub, 1, { protocols: [asking] })
      const b = yield* start(hub, 2, { protocols: [answering] })
      yield* a.mesh.add(b.key)
      yield* b.mesh.add(a.key)
      yield* Effect.promise(() => runEcho(ask))
    })
  )
)
finish()
