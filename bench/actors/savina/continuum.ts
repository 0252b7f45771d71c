/** Our actors: one type whose state is the function. Supervision and counters are on, as always; nothing is stored. */
import * as Actor from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import type { Send } from "./Library.ts"
import { measureAll } from "./MeasureAll.ts"

type Receive = (message: unknown) => void

/** The first message of an actor brings its function. */
interface First {
  readonly receive: Receive
  readonly message: unknown
}

const Function_ = Actor.actor(
  "function",
  {
    state: (() => {}) as Receive,
    begin: (_: Receive, { message, receive }: First) => {
      receive(message)
      return receive
    },
    receive: (receive: Receive, message: unknown) => {
      receive(message)
      return receive
    }
  },
  { mailboxCapacity: 100_000 }
)

const Once = Actor.actor("once", {
  state: 0,
  begin: (state: number, { message, receive }: First, context) => {
    receive(message)
    context.end()
    return state
  }
})

await measureAll(async () => {
  const system = await ActorSystem.start({ freeze: false })
  let names = 0
  return {
    spawn: <Message>(receive: (message: Message) => void): Send<Message> => {
      const { tell } = system.ref(Function_, String(names++))
      let hasBegun = false
      return (message) => {
        if (hasBegun) return tell.receive(message)
        hasBegun = true
        tell.begin({ receive: receive as Receive, message })
      }
    },
    spawnOnce: <Message>(receive: (message: Message) => void): Send<Message> => {
      const { tell } = system.ref(Once, String(names++))
      return (message) => tell.begin({ receive: receive as Receive, message })
    },
    close: () => system.stop()
  }
})
