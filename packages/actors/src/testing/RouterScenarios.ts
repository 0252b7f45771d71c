/**
 * What an actor does for whoever asks it by its address, wherever it lives. Each scenario returns what it sees as plain data,
 * with `<realm>` for the names of realms: run it with the actors in the same system, then in another process or on another
 * machine, and it must see the same. Both systems need storage, be it in memory. Free of any test runner.
 */
import { Effect } from "effect"
import { ActorSystem } from "../ActorSystem.ts"
import * as AskScenarios from "./scenarios/AskScenarios.ts"
import * as DurableScenarios from "./scenarios/DurableScenarios.ts"
import * as MailboxScenarios from "./scenarios/MailboxScenarios.ts"
import type { Scenario } from "./scenarios/Scenario.ts"
import * as StreamScenarios from "./scenarios/StreamScenarios.ts"

/** Makes the actors of the scenarios known to a system: both to the one that asks and to the one that is asked. */
export const register: Effect.Effect<void, never, ActorSystem> = Effect.gen(function* () {
  const system = yield* ActorSystem
  yield* system.register(AskScenarios.Counter)
  yield* system.register(AskScenarios.Relay)
  yield* system.register(StreamScenarios.Speaker)
  yield* system.register(MailboxScenarios.Queue)
  yield* system.register(DurableScenarios.Account)
})

export const scenarios: ReadonlyArray<Scenario> = [
  ...AskScenarios.scenarios,
  ...StreamScenarios.scenarios,
  ...MailboxScenarios.scenarios,
  ...DurableScenarios.scenarios
]
