/**
 * Streamed replies: an actor answers with a stream and handles other messages meanwhile. A slow reader holds the stream back, and
 * whoever leaves the loop ends it. The same line reads from an actor on another node, by `system.at`.
 */
import { actor, ActorSystem, reply, streaming } from "@continuum/actors"
import { Effect, Stream } from "effect"

let made = 0
let ended = false

const Reader = actor("reader", {
  state: { readers: 0 },
  // Pages of a book without an end, each made when there is room for it.
  read: streaming((state: { readonly readers: number }, title: string) =>
    reply(
      { readers: state.readers + 1 },
      Stream.iterate(1, (page) => page + 1).pipe(
        Stream.map((page) => {
          made++
          return `${title}, page ${page}`
        }),
        Stream.ensuring(Effect.sync(() => (ended = true)))
      )
    )
  ),
  readers: (state) => reply(state, state.readers)
})

const system = await ActorSystem.start()
const reader = system.ref(Reader, "one")

let pages = 0
for await (const page of reader.read("Moby Dick")) {
  console.log(page)
  if (++pages === 1) console.log(`readers: ${await reader.readers()}, while the stream is read`)
  if (pages === 3) break
}
console.log(`made: no more than a buffer ahead: ${made < 100}`)
console.log(`the stream has ended with its reader: ${ended}`)

await system.stop()
