/** Our actors: one type whose state is the function, without names. Supervision and counters are on, as always; nothing is stored. */
import * as Actor from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import type { Send } from "./Library.ts"
import { measureAll } from "./MeasureAll.ts"

type Receive = (message: unknown) => void

const Function_ = Actor.actor(
  "function",
  {
    state: (() => {}) as Receive,
    receive: (receive: Receive, message: unknown) => {
      receive(message)
      return receive
    }
  },
  { mailboxCapacity: 100_000 }
)

const Once = Actor.actor("once", {
  state: (() => {}) as Receive,
  receive: (receive: Receive, message: unknown, context) => {
    receive(message)
    context.end()
    return receive
  }
})

await measureAll(async () => {
  const system = await ActorSystem.start({ freeze: false })
  const spawn = <Message>(
    actor: typeof Function_ | typeof Once,
    receive: (message: Message) => void
  ): Send<Message> => {
    const { tell } = system.spawn(actor, { state: receive as Receive })
    return (message) => tell.receive(message)
  }
  return {
    spawn: (receive) => spawn(Function_, receive),
    spawnOnce: (receive) => spawn(Once, receive),
    close: () => system.stop()
  }
})
