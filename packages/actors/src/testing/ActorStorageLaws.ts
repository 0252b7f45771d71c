/**
 * What every ActorStorage does. Run each law with an empty storage.
 */
import { type Law, same } from "@continuum/core/testing/Law"
import { Effect } from "effect"
import { ActorStorage, type Write } from "../ActorStorage.ts"

type Storage = ActorStorage["Service"]

const law = (name: string, check: (storage: Storage) => Effect.Effect<void, unknown>): Law<ActorStorage> => ({
  name,
  check: Effect.flatMap(ActorStorage, check)
})

const address = (name: string, kind = "counter") => `continuum://local/${kind}/${name}`
const bytes = (...values: ReadonlyArray<number>) => Uint8Array.from(values)

/** Stores and waits until it is flushed. */
const store = (storage: Storage, ...batch: ReadonlyArray<Write>) => Effect.flatten(storage.commit(batch))
const put = (name: string, state: Uint8Array): Write => ({ address: address(name), state })

export const laws: ReadonlyArray<Law<ActorStorage>> = [
  law("an empty storage has no states, nothing quarantined and nothing to report", (storage) =>
    Effect.gen(function* () {
      yield* same("the state", yield* storage.load(address("a")), undefined)
      yield* same("the list", yield* storage.list("", 10), [])
      yield* same("the quarantine", yield* storage.quarantined, [])
      yield* same("the losses", storage.openReport.losses, [])
    })
  ),
  law("a state is loaded as it was stored, whatever its size", (storage) =>
    Effect.gen(function* () {
      const states = [
        new Uint8Array(0),
        bytes(1),
        bytes(...Array.from({ length: 5_000 }, (_, i) => i % 251)),
        new Uint8Array(1_000_000).fill(7)
      ]
      for (const [index, state] of states.entries()) {
        yield* store(storage, put(`s${index}`, state))
        yield* same(`state ${index}`, yield* storage.load(address(`s${index}`)), state)
      }
    })
  ),
  law("a state can be loaded as soon as it is committed, before it is flushed", (storage) =>
    Effect.gen(function* () {
      const flushed = yield* storage.commit([put("a", bytes(1))])
      yield* same("the state", yield* storage.load(address("a")), bytes(1))
      yield* flushed
      yield* same("the state", yield* storage.load(address("a")), bytes(1))
    })
  ),
  law("a batch stores all of its states, the last of each actor, and removes what it says", (storage) =>
    Effect.gen(function* () {
      yield* store(storage, put("a", bytes(1)), put("b", bytes(2)), put("c", bytes(3)))
      yield* store(storage, put("a", bytes(4)), { address: address("b"), state: undefined }, put("a", bytes(5)))
      yield* same("a", yield* storage.load(address("a")), bytes(5))
      yield* same("b", yield* storage.load(address("b")), undefined)
      yield* same("c", yield* storage.load(address("c")), bytes(3))
      yield* same("the list", yield* storage.list("", 10), [address("a"), address("c")])
    })
  ),
  law("an empty batch is stored", (storage) => store(storage)),
  law("batches at the same time are all stored", (storage) =>
    Effect.gen(function* () {
      const batches = Array.from({ length: 100 }, (_, i) => [put(`p${i}`, bytes(i)), put("shared", bytes(i))])
      yield* Effect.all(
        batches.map((batch) => store(storage, ...batch)),
        { concurrency: "unbounded", discard: true }
      )
      for (let i = 0; i < 100; i++) yield* same(`p${i}`, yield* storage.load(address(`p${i}`)), bytes(i))
      yield* same("the last to the same actor", yield* storage.load(address("shared")), bytes(99))
    })
  ),
  law("what the caller does to its bytes afterwards changes nothing", (storage) =>
    Effect.gen(function* () {
      const state = bytes(1, 2, 3)
      yield* store(storage, put("a", state))
      state.fill(9)
      const loaded = yield* storage.load(address("a"))
      yield* same("the state", loaded, bytes(1, 2, 3))
      loaded!.fill(8)
      yield* same("the state", yield* storage.load(address("a")), bytes(1, 2, 3))
    })
  ),
  law("the list is of one prefix, in order, and no longer than its limit", (storage) =>
    Effect.gen(function* () {
      const names = ["b", "a", "c%20d", "b%2Fb"]
      yield* store(storage, ...names.map((name) => put(name, bytes(1))), {
        address: address("x", "counters"),
        state: bytes(1)
      })
      const sorted = names.toSorted().map((name) => address(name))
      yield* same("the list", yield* storage.list(address(""), 10), sorted)
      yield* same("the list of two", yield* storage.list(address(""), 2), sorted.slice(0, 2))
      yield* same("the list of none", yield* storage.list(address("", "nobody"), 10), [])
      yield* same("from b on", yield* storage.list(address(""), 10, address("b")), sorted.slice(1))
      yield* same("from between two on", yield* storage.list(address(""), 1, address("b%")), sorted.slice(2, 3))
      yield* same("from before all", yield* storage.list(address(""), 10, "a"), sorted)
      yield* same("from after all", yield* storage.list(address(""), 10, address("d")), [])
    })
  ),
  law("records of any key are stored with a state, and not listed among addresses", (storage) =>
    Effect.gen(function* () {
      yield* store(storage, put("a", bytes(1)), { address: `~journal/${address("a")}/1`, state: bytes(2) })
      yield* same("the record", yield* storage.load(`~journal/${address("a")}/1`), bytes(2))
      yield* same("the addresses", yield* storage.list("continuum:", 10), [address("a")])
      yield* same("the records", yield* storage.list("~", 10), [`~journal/${address("a")}/1`])
    })
  ),
  law("a quarantined state is not served until it is released, and then it is gone", (storage) =>
    Effect.gen(function* () {
      yield* store(storage, put("a", bytes(1)), put("b", bytes(2)))
      yield* storage.quarantine(address("a"), "it smells")
      const error = yield* Effect.flip(storage.load(address("a")))
      yield* same("the error", error._tag === "RecordQuarantined" ? [error.address, error.reason] : error._tag, [
        address("a"),
        "it smells"
      ])
      yield* same("the other", yield* storage.load(address("b")), bytes(2))
      yield* same("the list", yield* storage.list("", 10), [address("b")])
      const quarantined = yield* storage.quarantined
      yield* same(
        "the quarantine",
        quarantined.map(({ address, reason }) => [address, reason]),
        [[address("a"), "it smells"]]
      )
      yield* same("released", yield* storage.release(address("a")), true)
      yield* same("released again", yield* storage.release(address("a")), false)
      yield* same("the state", yield* storage.load(address("a")), undefined)
      yield* same("the quarantine", yield* storage.quarantined, [])
      yield* store(storage, put("a", bytes(3)))
      yield* same("the new state", yield* storage.load(address("a")), bytes(3))
    })
  )
]
