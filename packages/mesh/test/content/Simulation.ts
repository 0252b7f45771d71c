/**
 * Many nodes, chosen by a seed: honest, lying, slow, silent and vanishing ones, and one that fetches from them. What must
 * hold is said in `run`; a failure names its seed.
 */
import * as ContentId from "@continuum/core/ContentId"
import { Effect, Exit, Random } from "effect"
import { groupBytes } from "../../src/content/Blake3.ts"
import type { ContentMessage } from "../../src/content/ContentMessage.ts"
import { connect, contentOf, elapse, makeNode, put, type Way } from "./Network.ts"

const roles = ["honest", "liar", "forger", "slow", "silent", "vanishing", "empty"] as const
type Role = (typeof roles)[number]

const flip = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.length === 0 ? new Uint8Array(1) : bytes.with(at % bytes.length, bytes[at % bytes.length]! ^ 1)

/** What a node of this role does to what it sends. */
const wayOf = Effect.fnUntraced(function* (role: Role, cut: () => void) {
  const [latencyMs, speed] = [yield* Random.nextIntBetween(0, 100), yield* Random.nextIntBetween(200, 2_000)]
  const place = yield* Random.nextIntBetween(0, 100_000)
  let left = yield* Random.nextIntBetween(1, 60)
  let parts = yield* Random.nextIntBetween(0, 20)
  const tampers: Partial<Record<Role, (message: ContentMessage) => ContentMessage | undefined>> = {
    liar: (message) =>
      message._tag === "Part" && parts-- <= 0 ? { ...message, bytes: flip(message.bytes, place) } : message,
    forger: (message) => (message._tag === "Outlined" ? { ...message, hashes: flip(message.hashes, place) } : message),
    silent: (message) => (left-- > 0 ? message : undefined),
    vanishing: (message) => {
      if (--left === 0) cut()
      return message
    }
  }
  const way: Way = { latencyMs, bytesPerMs: role === "slow" ? 2 : speed }
  const tamper = tampers[role]
  return tamper === undefined ? way : { ...way, tamper }
})

/**
 * One network of up to 12 nodes. Where an honest node has the content it arrives; it never arrives wrong; and a fetch
 * ends within the bounds of its timeouts, whatever the others do.
 */
export const run = Effect.fnUntraced(
  function* (seed: number) {
    const here = yield* makeNode(1)
    const content = contentOf(seed + 1, yield* Random.nextIntBetween(0, 14 * groupBytes))
    const id = ContentId.of(content)
    const chosen: Array<Role> = []
    for (let number = 2; number < 2 + (yield* Random.nextIntBetween(2, 12)); number++) {
      const role = roles[yield* Random.nextIntBetween(0, roles.length)] ?? "empty"
      chosen.push(role)
      const node = yield* makeNode(number)
      if (role !== "empty") yield* put(node, content)
      let cut = (): void => undefined
      const link = yield* connect(here, node, { b: yield* wayOf(role, () => cut()) })
      cut = link.cut
    }
    const exit = (yield* elapse(Effect.exit(here.mesh.routing.fetch(id)), 900_000)).result
    const held = yield* here.store.has(id)
    if (chosen.includes("honest") && Exit.isFailure(exit)) throw new Error(`an honest node of ${chosen} was not used`)
    if (held !== Exit.isSuccess(exit)) throw new Error(`the fetch says ${exit._tag}, and that it is here is ${held}`)
    if ((yield* here.store.list).some((stored) => stored !== id)) throw new Error("something else was stored")
  },
  (effect, seed) =>
    Effect.scoped(effect).pipe(
      Random.withSeed(seed),
      Effect.catchDefect((defect) => Effect.die(new Error(`Seed ${seed}: ${String(defect)}`)))
    )
)
