/** Actors: the programs of the Savina suite. */
import type { Suite } from "../../Suite.ts"
import { programs } from "./Programs.ts"

export const savinaSuite: Suite = {
  id: "savina",
  title: "Actors: programs of the Savina suite",
  about: `The micro and concurrency programs of [Savina](https://github.com/shamsimam/savina) (S. Imam, V. Sarkar, AGERE 2014), each
written once against a function that makes an actor of a function, so that all libraries run the same code. What one operation is
stands in the file of each program, below bench/actors/savina; each checks its result. On Erlang (\`erl +S 1:1\`) the programs are a
module of their own, bench/actors/savina/savina.erl; it is left out where Erlang is not installed.

Ours run with supervision and counters and nothing stored; an actor has no name, and its function is its first state.
*Effect Queue + fiber* has no supervision and no bound. *nact* gives each message a \`setImmediate\`. *XState* runs the receiver on the
sender's stack. Erlang's processes are neither linked nor supervised, and preempted by count of function calls.

What made creating and stopping cheaper: no address is made for an event that nobody hears (half of the time, on Node); actor, mailbox
and addressee are one object, and what only some actors have is another, made when needed (a fifth of the rest); an actor without a
name has no entry in a table; one look at the clock for all that are created in a row (these two not measured alone). Tried without a
gain: refs with fields of plain names instead of symbols; an array of the actors without names instead of a list through them.`,
  runtimes: ["bun", "deno", "node"],
  msMax: 240_000,
  cases: programs.map(({ id, label }) => ({ id, label, time: "cpu", unit: "ns" })),
  peers: [
    { id: "continuum", label: "Continuum", program: "actors/savina/continuum.ts" },
    {
      id: "xstate",
      label: "XState",
      program: "actors/savina/xstate.ts",
      against: "continuum",
      needs: "xstate"
    },
    { id: "nact", label: "nact", program: "actors/savina/nact.ts", against: "continuum", needs: "nact" },
    {
      id: "effect-queue",
      label: "Effect Queue + fiber",
      program: "actors/savina/effect-queue.ts",
      against: "continuum"
    },
    {
      id: "erlang",
      label: "Erlang",
      program: "actors/savina/savina.erl",
      against: "continuum",
      commands: ["erl", "erlc"],
      cases: ["pingpong", "count", "fjcreate", "createstop", "fjthrput", "threadring", "chameneos", "big"]
    }
  ],
  targets: [
    { text: "No program of Savina takes longer than with XState", peer: "xstate", max: 1 },
    { text: "No program of Savina takes longer than with nact", peer: "nact", max: 1 },
    { text: "No program of Savina takes longer than with Effect's Queue and a fiber", peer: "effect-queue", max: 1 },
    {
      text: "Ping-pong and thread ring take at most half of Erlang's time",
      peer: "erlang",
      cases: ["pingpong", "threadring"],
      max: 0.5
    },
    {
      text: "Counting takes no longer than on Erlang, on Bun",
      peer: "erlang",
      cases: ["count"],
      runtimes: ["bun"],
      max: 1
    },
    {
      text: "Counting takes at most 1.5 of Erlang's time, on Deno and Node",
      peer: "erlang",
      cases: ["count"],
      runtimes: ["deno", "node"],
      max: 1.5
    },
    {
      text: "Create, message, stop takes at most a fifth of Erlang's time, on Bun",
      peer: "erlang",
      cases: ["createstop"],
      runtimes: ["bun"],
      max: 0.2
    },
    {
      text: "Create, message, stop takes at most two fifths of Erlang's time, on Deno and Node",
      peer: "erlang",
      cases: ["createstop"],
      runtimes: ["deno", "node"],
      max: 0.4
    }
  ]
}
