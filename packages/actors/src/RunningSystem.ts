/**
 * A system for code that does not use Effect: the same as the service `ActorSystem`, with Promises.
 */
import { Effect } from "effect"
import type * as Actor from "./Actor.ts"
import type { SpawnOptions } from "./ActorOptions.ts"
import * as ActorRef from "./ActorRef.ts"
import type { ActorSystem, RefOptions, Totals } from "./ActorSystem.ts"
import type { Kernel } from "./Kernel.ts"
import * as OnceRef from "./OnceRef.ts"
import type { ActorDetail, ActorSummary, DeadLetter } from "./rpc.ts"
import type { Service } from "./Service.ts"
import { deadlinesOf, spawned } from "./SystemService.ts"

/** A running system, for code that uses Promises. */
export interface RunningSystem {
  readonly ref: <Kind extends string, State, M extends Actor.MessageTypes>(
    actor: Actor.Actor<Kind, State, M>,
    name: string,
    options?: RefOptions
  ) => ActorRef.PromiseRef<M>
  readonly spawn: <Kind extends string, State, M extends Actor.MessageTypes>(
    actor: Actor.Actor<Kind, State, M>,
    options?: SpawnOptions<State> & RefOptions
  ) => ActorRef.PromiseRef<M>
  readonly at: <Kind extends string, State, M extends Actor.MessageTypes>(
    actor: Actor.Actor<Kind, State, M>,
    address: string,
    options?: RefOptions
  ) => ActorRef.PromiseRef<M>
  readonly run: <Error>(service: Service<Error, never>) => void
  readonly askUnknown: (address: string, messageName: string, payload: unknown) => Promise<unknown>
  readonly list: (kind?: string) => Promise<ReadonlyArray<ActorSummary>>
  readonly inspect: (address: string) => Promise<ActorDetail>
  readonly restart: (address: string) => Promise<ActorSummary>
  readonly forget: (address: string) => Promise<void>
  readonly migrate: (address: string, to: string) => Promise<void>
  readonly deadLetters: () => Promise<ReadonlyArray<DeadLetter>>
  readonly totals: () => Totals
  /** The same system as an Effect service. */
  readonly system: ActorSystem["Service"]
  /** Ends it in order. A second call waits for the first. */
  readonly stop: () => Promise<void>
}

/** The facade of a system. `end` ends it in order, and is called once. */
export const make = (system: ActorSystem["Service"], kernel: Kernel, end: () => Promise<void>): RunningSystem => {
  let stopped: Promise<void> | undefined
  return {
    ref: (actor, name, options) => {
      const type = kernel.typeOf(actor)
      type.checkName(name)
      if (options?.id !== undefined)
        return OnceRef.promiseRef({ type, name, id: options.id, deadlines: deadlinesOf(type, options) })
      return ActorRef.promiseRef(new ActorRef.Target(type, name, deadlinesOf(type, options), undefined))
    },
    spawn: (actor, options) => {
      return ActorRef.promiseRef(spawned(kernel.typeOf(actor).spawn(options, undefined), options))
    },
    at: (actor, address, options) => kernel.router.promiseRef(actor, address, options?.timeout, undefined),
    run: (service) => Effect.runSync(system.run(service)),
    askUnknown: (address, messageName, payload) => Effect.runPromise(system.askUnknown(address, messageName, payload)),
    list: (kind) => Effect.runPromise(system.list(kind)),
    inspect: (address) => Effect.runPromise(system.inspect(address)),
    restart: (address) => Effect.runPromise(system.restart(address)),
    forget: (address) => Effect.runPromise(system.forget(address)),
    migrate: (address, to) => Effect.runPromise(system.migrate(address, to)),
    deadLetters: () => Effect.runPromise(system.deadLetters),
    totals: system.totals,
    system,
    stop: () => (stopped ??= end())
  }
}
