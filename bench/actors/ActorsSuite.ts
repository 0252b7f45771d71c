/** Ways of a message to an actor and back. */
import type { Suite } from "../Suite.ts"

const targetOf = (peer: string, label: string) => ({ text: `No message costs more than with ${label}`, peer, max: 1 })

export const actorsSuite: Suite = {
  id: "actors",
  title: "Actors: asking and telling in one process",
  about: `One operation is one message handled by a counter, or by one of two actors that play ping-pong. *Ask*: request and
reply, awaited one after the other. *Ask, 64 in flight*: 64 askers that each wait for their own reply. *Tell*: one sender,
bursts of 1,000 whose end is awaited. *Ping-pong*: two actors, each message sent by a handler, nobody awaits any.

Ours run as they do in production (messages are not frozen), with supervision, ask deadlines, call-chain check and counters,
and nothing stored. Continuum through Promises is compared with the microtask, XState and nact; Continuum through Effects with
Effect's Queue and its cluster. What the peers leave out: a *bare microtask* is no actor at all and shows what the runtime itself
takes. *XState* runs the receiver inside \`send\`, on the sender's stack: no hop, no deadline, and a loop of sends holds up everything
else. *nact* gives each message a \`setImmediate\`. *Effect Queue + fiber* has no supervision, no deadline and no bound.
*effect/cluster* is an entity on its test runner, in memory: it looks its shard up and keeps the state of each request, as it does
for one on another machine.`,
  runtimes: ["bun", "deno", "node"],
  msMax: 120_000,
  cases: [
    { id: "ask", label: "Ask, one after the other", time: "cpu", unit: "ns" },
    { id: "ask64", label: "Ask, 64 in flight", time: "cpu", unit: "ns" },
    { id: "tell", label: "Tell", time: "cpu", unit: "ns" },
    { id: "pingpong", label: "Ping-pong", time: "cpu", unit: "ns" }
  ],
  peers: [
    { id: "continuum", label: "Continuum, Promises", program: "actors/continuum.ts" },
    { id: "microtask", label: "bare microtask", program: "actors/microtask.ts", against: "continuum" },
    { id: "xstate", label: "XState", program: "actors/xstate.ts", against: "continuum", needs: "xstate" },
    { id: "nact", label: "nact", program: "actors/nact.ts", against: "continuum", needs: "nact" },
    {
      id: "continuum-effect",
      label: "Continuum, Effects",
      program: "actors/continuum-effect.ts",
      cases: ["ask", "ask64", "tell"]
    },
    {
      id: "effect-queue",
      label: "Effect Queue + fiber",
      program: "actors/effect-queue.ts",
      against: "continuum-effect",
      cases: ["ask", "ask64", "tell"]
    },
    {
      id: "effect-cluster",
      label: "effect/cluster",
      program: "actors/effect-cluster.ts",
      against: "continuum-effect",
      cases: ["ask", "ask64", "tell"]
    }
  ],
  targets: [
    targetOf("xstate", "XState"),
    targetOf("nact", "nact"),
    targetOf("effect-queue", "Effect's Queue and a fiber"),
    targetOf("effect-cluster", "an entity of effect/cluster")
  ]
}
