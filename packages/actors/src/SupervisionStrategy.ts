/**
 * What a supervisor does when an actor fails, in the terms of Erlang/OTP's one_for_one: which ends lead to a restart,
 * how many restarts in which period are too many, and how long to wait before each.
 *
 * Source: https://www.erlang.org/doc/apps/stdlib/supervisor.html (restart type, intensity, period). The wait between
 * restarts is not OTP's: exponential backoff with jitter keeps a thousand actors that lost one database from
 * coming back in the same millisecond.
 */
import { Duration } from "effect"

export interface SupervisionStrategy {
  /**
   * `permanent`: always restarted. `transient`: only after a failure, not after a normal end.
   * `temporary`: never. For an actor without a parent the first two are the same: after a normal end it is gone, and its next
   * message is the restart.
   */
  readonly restart: "permanent" | "transient" | "temporary"
  /** Restarts allowed within `period`; one more and the actor stops for good. `Infinity`: never gives up. */
  readonly intensity: number
  readonly period: Duration.Duration
  /** Wait before the first restart of a period; each further one waits `backoffFactor` times as long. */
  readonly backoffMin: Duration.Duration
  readonly backoffMax: Duration.Duration
  /** At least 1. */
  readonly backoffFactor: number
  /** Part of each wait that is random, in [0, 1]. A wait lies between `(1 - jitter)` times the computed one and the computed one. */
  readonly jitter: number
}

/** What an actor does about the ends of its children, in OTP's terms. */
export interface ChildrenStrategy {
  /** Restarted with a child that is: `one_for_one` none, `one_for_all` all others, `rest_for_one` those that were spawned after it. */
  readonly order: "one_for_one" | "one_for_all" | "rest_for_one"
  /** Restarts of all children together within `period`; one more and the parent has failed. */
  readonly intensity: number
  readonly period: Duration.Duration
}

/** What a definition may say of its children. */
export interface ChildrenOptions {
  readonly order?: ChildrenStrategy["order"]
  readonly intensity?: number
  readonly period?: Duration.Input
}

/** What a definition may say; the rest are the defaults. Durations as Effect reads them: `"10 seconds"`, milliseconds. */
export interface Options {
  readonly restart?: SupervisionStrategy["restart"]
  readonly intensity?: number
  readonly period?: Duration.Input
  readonly backoffMin?: Duration.Input
  readonly backoffMax?: Duration.Input
  readonly backoffFactor?: number
  readonly jitter?: number
}

/** Actors: at most 10 restarts in a minute, waiting 10 ms, 20 ms, ... 5.1 s. Chosen, not measured. */
export const actorDefault: SupervisionStrategy = {
  restart: "permanent",
  intensity: 10,
  period: Duration.minutes(1),
  backoffMin: Duration.millis(10),
  backoffMax: Duration.seconds(30),
  backoffFactor: 2,
  jitter: 0.2
}

/** Services: parts of the node that must come back when the network or the disk does, so they are never given up. */
export const serviceDefault: SupervisionStrategy = {
  ...actorDefault,
  intensity: Number.POSITIVE_INFINITY,
  backoffMin: Duration.millis(100)
}

/** Children: as OTP names its default, each for itself; at most 10 restarts in a minute. Throws `RangeError` as `make` does. */
export const makeChildren = (options: ChildrenOptions = {}): ChildrenStrategy => {
  const { intensity, period } = make({
    ...(options.intensity === undefined ? {} : { intensity: options.intensity }),
    ...(options.period === undefined ? {} : { period: options.period })
  })
  return { order: options.order ?? "one_for_one", intensity, period }
}

/** Fills in the defaults. Throws `RangeError` for values outside their ranges: a fault of the program that wrote them. */
export const make = (options: Options = {}, defaults: SupervisionStrategy = actorDefault): SupervisionStrategy => {
  const strategy: SupervisionStrategy = {
    restart: options.restart ?? defaults.restart,
    intensity: options.intensity ?? defaults.intensity,
    period: duration(options.period, defaults.period),
    backoffMin: duration(options.backoffMin, defaults.backoffMin),
    backoffMax: duration(options.backoffMax, defaults.backoffMax),
    backoffFactor: options.backoffFactor ?? defaults.backoffFactor,
    jitter: options.jitter ?? defaults.jitter
  }
  if (!(strategy.intensity >= 0)) throw new RangeError(`intensity must be 0 or more, not ${strategy.intensity}`)
  if (!(strategy.backoffFactor >= 1))
    throw new RangeError(`backoffFactor must be 1 or more, not ${strategy.backoffFactor}`)
  if (!(strategy.jitter >= 0 && strategy.jitter <= 1))
    throw new RangeError(`jitter must be 0 to 1, not ${strategy.jitter}`)
  return strategy
}

/** Milliseconds to wait before a restart that `earlier` restarts of the same period precede. `chance` is in [0, 1). */
export const backoffMs = (strategy: SupervisionStrategy, earlier: number, chance: number): number => {
  const full = Math.min(
    Duration.toMillis(strategy.backoffMax),
    Duration.toMillis(strategy.backoffMin) * strategy.backoffFactor ** earlier
  )
  return full * (1 - strategy.jitter * chance)
}

const duration = (input: Duration.Input | undefined, fallback: Duration.Duration): Duration.Duration =>
  input === undefined ? fallback : Duration.fromInputUnsafe(input)
