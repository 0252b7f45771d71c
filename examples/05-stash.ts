/**
 * A stash: messages that come too early wait until their actor is ready for them, and so do those who asked. A door takes everyone's
 * knock at once and lets nobody in before the guard has come; who asks how many wait is told meanwhile.
 */
import { actor, ActorSystem, reply } from "@continuum/actors"

interface Door {
  readonly isOpen: boolean
  readonly entered: ReadonlyArray<string>
}

const Door = actor(
  "door",
  {
    state: { isOpen: false, entered: [] } as Door,
    enter: (door, name: string, context) => {
      // Set aside as it is; the asker waits on.
      if (!door.isOpen) context.stash()
      return door.isOpen
        ? reply({ ...door, entered: [...door.entered, name] }, `${name} is in`)
        : reply(door, `${name} waits`)
    },
    open: (door, _: void, context) => {
      // All come back in the order in which they came, before what was sent later.
      context.unstash()
      return { ...door, isOpen: true }
    },
    who: (door) => reply(door, door.entered)
  },
  // Before all others that wait.
  { urgent: ["open"] }
)

const system = await ActorSystem.start()
const door = system.ref(Door, "front")

const entering = ["Ada", "Bob", "Eve"].map((name) => door.enter(name))
console.log(`before the guard has come: [${(await door.who()).join(", ")}]`)
await door.open()
console.log((await Promise.all(entering)).join("; "))
console.log(`in the order of their knocks: [${(await door.who()).join(", ")}]`)
await system.stop()
