/**
 * A long-running part of a node as a supervised actor of kind `service`: an effect that runs as long as the system, is
 * restarted with backoff when it fails or ends, and is listed, inspected and restarted by its address.
 */
import * as Address from "@continuum/core/Address"
import type { Effect } from "effect"
import type { ActorSystem } from "./ActorSystem.ts"
import * as SupervisionStrategy from "./SupervisionStrategy.ts"

export const kind = "service"

export interface Options {
  /** Default `SupervisionStrategy.serviceDefault`: restarted always, and never given up. */
  readonly supervision?: SupervisionStrategy.Options
  /** 0 to 255, shown by the inspector. Default 128. */
  readonly priority?: number
}

/** The definition of a service. `Services` are what its effect needs, besides the system itself. */
export interface Service<Error, Services> {
  readonly name: string
  readonly effect: Effect.Effect<unknown, Error, Services | ActorSystem>
  readonly strategy: SupervisionStrategy.SupervisionStrategy
  readonly priority: number
}

/** Defines a service; `ActorSystem.run` starts it. Throws for a name that cannot stand in an address. */
export const service = <Error, Services>(
  name: string,
  effect: Effect.Effect<unknown, Error, Services>,
  options: Options = {}
): Service<Error, Exclude<Services, ActorSystem>> => {
  Address.make(kind, name)
  return {
    name,
    effect: effect as Effect.Effect<unknown, Error, Exclude<Services, ActorSystem> | ActorSystem>,
    strategy: SupervisionStrategy.make(options.supervision, SupervisionStrategy.serviceDefault),
    priority: options.priority ?? 128
  }
}
