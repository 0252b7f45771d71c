/**
 * Runs an application of actors in a simulated world: its own thread, clock, chance, disks and crashes, all decided by one seed. The same
 * seed gives the same run to the last step, so a failure that happens once in ten thousand runs can be looked at again.
 *
 * The program must take time and chance from Effect (`Clock`, `Random`, `Effect.sleep`) and do no real I/O. `run` runs one seed;
 * `check` runs many and throws the first failure, with its seed and what happened before.
 */
import { Cause, Context, Effect, Exit, Layer, Schema, Scope } from "effect"
import { ActorStorage } from "../ActorStorage.ts"
import { ActorSystem, type Options as SystemOptions } from "../ActorSystem.ts"
import * as Limits from "../Limits.ts"
import { SimulationChance } from "./SimulationChance.ts"
import { type DiskFaults, noFaults, SimulationDisk } from "./SimulationDisk.ts"
import { noFaults as noNetworkFaults, type NetworkFaults, SimulationNetwork } from "./SimulationNetwork.ts"
import { SimulationLoop, SimulationProcess, type SimulationStuck } from "./SimulationLoop.ts"

/** The node crashed before the effect that ran on it had ended. Whether it did what it was to do, nobody knows. */
export class NodeCrashed extends Schema.TaggedError<NodeCrashed>()("NodeCrashed", { node: Schema.String }) {
  override get message() {
    return `The simulated node ${this.node} crashed. Start it again to see what survived`
  }
}

/** An expectation about the simulated application did not hold. */
export class Violated extends Schema.TaggedError<Violated>()("Violated", { expectation: Schema.String }) {
  override get message() {
    return `It did not hold that ${this.expectation}`
  }
}

/** A node of the simulated world. It begins with what its disk holds. */
export interface SimulatedNode {
  readonly name: string
  readonly system: ActorSystem["Service"]
  /** Runs an effect on this node; fails with `NodeCrashed` when the node does before the effect has ended. */
  readonly run: <A, E>(effect: Effect.Effect<A, E, ActorSystem>) => Effect.Effect<A, E | NodeCrashed>
  /** Ends it at once: nothing in it goes on, no finalizer runs, and its disk loses what was not flushed. */
  readonly crash: () => void
  /** Crashes it in the middle of whatever it does, so many steps from now. */
  readonly crashAfter: (steps: number) => void
  /** Moves its wall clock, forwards or backwards. */
  readonly jumpClock: (ms: number) => void
  /** Stops it in order. */
  readonly stop: Effect.Effect<void>
  readonly isAlive: () => boolean
}

export interface World {
  readonly seed: number
  /** A whole number from 0 to `bound - 1`. */
  readonly below: (bound: number) => number
  /** True with this probability. */
  readonly happens: (probability: number) => boolean
  /** Adds a line to what is shown when the run fails. */
  readonly note: (text: string) => void
  /** Starts a node, which finds the disk that a node of this name left. */
  readonly start: (name: string, options?: SystemOptions) => Effect.Effect<SimulatedNode>
  readonly disk: (name: string) => SimulationDisk
  /** The network between the nodes; it connects those that start when the options of the run have one. */
  readonly network: SimulationNetwork
  /** Fails the run unless the condition holds. `expectation` completes "It did not hold that". */
  readonly expect: (expectation: string, condition: boolean) => Effect.Effect<void, Violated>
}

export interface Options {
  readonly seed: number
  readonly disk?: Partial<DiskFaults>
  /** With it the nodes reach each other by their names, `continuum://<name>/...`; without it each is alone. */
  readonly network?: Partial<NetworkFaults>
  /** Whether nodes log to the console: good for one seed, and noise for thousands. Default false. */
  readonly logs?: boolean
}

export interface Outcome<A, E> {
  readonly seed: number
  readonly exit: Exit.Exit<A, E | SimulationStuck>
  /** Equal for equal runs: a digest of every decision of chance and of every note. */
  readonly trace: string
  /** Notes, and starts and ends of nodes, with the simulated time. At most `Limits.simulationNotesKept`, the last ones. */
  readonly notes: ReadonlyArray<string>
  readonly steps: number
  readonly elapsedMs: number
}

/** Runs the program once. Never rejects. */
export const run = async <A, E>(
  options: Options,
  program: (world: World) => Effect.Effect<A, E>
): Promise<Outcome<A, E>> => {
  const chance = new SimulationChance(options.seed)
  const loop = new SimulationLoop(chance)
  const notes: Array<string> = []
  const note = (text: string) => {
    for (let i = 0; i < text.length; i++) chance.note(text.charCodeAt(i))
    if (notes.push(`${Math.round(loop.elapsedMs)} ms, step ${loop.steps}: ${text}`) > 2 * Limits.simulationNotesKept) {
      notes.splice(0, Limits.simulationNotesKept)
    }
  }
  const disks = new Map<string, SimulationDisk>()
  const disk = (name: string) => {
    const known = disks.get(name) ?? new SimulationDisk(chance, { ...noFaults, ...options.disk })
    disks.set(name, known)
    return known
  }
  const network = new SimulationNetwork(loop, chance, { ...noNetworkFaults, ...options.network })
  const world: World = {
    seed: options.seed,
    below: (bound) => chance.below(bound),
    happens: (probability) => chance.happens(probability),
    note,
    start: (name, systemOptions) =>
      startNode(
        {
          loop,
          name,
          disk: disk(name),
          network: options.network === undefined ? undefined : network,
          logs: options.logs
        },
        systemOptions,
        note
      ),
    disk,
    network,
    expect: (expectation, condition) => (condition ? Effect.void : Effect.fail(new Violated({ expectation })))
  }
  const exit = await loop.run(
    Effect.suspend(() => program(world)),
    new SimulationProcess(loop, options.logs)
  )
  const trace = `${chance.digest}-${loop.steps}`
  const kept = notes.slice(-Limits.simulationNotesKept)
  return { seed: options.seed, exit, trace, notes: kept, steps: loop.steps, elapsedMs: loop.elapsedMs }
}

export interface CheckOptions extends Omit<Options, "seed"> {
  readonly seeds: Iterable<number>
}

/** Runs the program once for each seed, and gives how many there were. Rejects at the first that fails, with what replays it. */
export const check = async <E>(
  { seeds, ...options }: CheckOptions,
  program: (world: World) => Effect.Effect<unknown, E>
): Promise<number> => {
  let count = 0
  for (const seed of seeds) {
    const outcome = await run({ ...options, seed }, program)
    if (Exit.isFailure(outcome.exit)) throw new Error(describe(outcome))
    count++
  }
  return count
}

/** Whole numbers from `from` on. */
export function* seedsFrom(from: number, count: number): Generator<number> {
  for (let seed = from; seed < from + count; seed++) yield seed
}

/** A failure as a person wants to see it: why, how to see it again, and what happened before. */
export const describe = <A, E>({ elapsedMs, exit, notes, seed, steps, trace }: Outcome<A, E>): string => {
  const why = Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "it passed"
  return [
    `Seed ${seed} after ${steps} steps and ${Math.round(elapsedMs)} simulated ms (trace ${trace}): ${why}`,
    `It fails again with: Simulation.run({ seed: ${seed} }, program)`,
    ...notes.map((line) => `  ${line}`)
  ].join("\n")
}

interface Place {
  readonly loop: SimulationLoop
  readonly name: string
  readonly disk: SimulationDisk
  readonly network: SimulationNetwork | undefined
  readonly logs: boolean | undefined
}

const startNode = (
  { disk, logs, loop, name, network }: Place,
  options: SystemOptions | undefined,
  note: (text: string) => void
): Effect.Effect<SimulatedNode> =>
  Effect.suspend(() => {
    note(`${name} starts`)
    const host = new SimulationProcess(loop, logs)
    const scope = Scope.makeUnsafe()
    const waiting = new Set<() => void>()
    const crash = () => {
      if (!host.isAlive) return
      note(`${name} crashes`)
      host.kill()
      disk.crash()
      network?.left(name)
      for (const fail of waiting) fail()
      waiting.clear()
    }
    /** Runs in the process of the node; whoever waits for it outside hears of a crash. */
    const inside = <A, E>(effect: Effect.Effect<A, E>, context: Context.Context<never>) =>
      Effect.callback<A, E | NodeCrashed>((resume) => {
        const crashed = () => resume(Effect.fail(new NodeCrashed({ node: name })))
        if (!host.isAlive) return crashed()
        waiting.add(crashed)
        const fiber = Effect.runForkWith(context)(Effect.andThen(Effect.yieldNow, effect))
        fiber.addObserver((exit) => {
          waiting.delete(crashed)
          if (host.isAlive) resume(exit)
        })
        return Effect.sync(() => {
          waiting.delete(crashed)
          if (host.isAlive) fiber.interruptUnsafe()
        })
      })
    const own = network === undefined ? options : { nodeName: name, delivery: network.join(name, host), ...options }
    const layer = Layer.provide(ActorSystem.layer(own), Layer.succeed(ActorStorage, disk.storage()))
    const built = inside(Layer.buildWithScope(layer, scope), host.context)
    return Effect.map(Effect.orDie(built), (services): SimulatedNode => {
      const context = Context.merge(host.context, services)
      return {
        name,
        system: Context.get(services, ActorSystem),
        run: (effect) => inside(Effect.provideContext(effect, services), context),
        crash,
        crashAfter: (steps) => loop.after(steps, crash),
        jumpClock: (ms) => {
          note(`the clock of ${name} jumps by ${ms} ms`)
          host.clockAheadMs += ms
        },
        stop: Effect.andThen(
          Effect.ignore(inside(Scope.close(scope, Exit.void), context)),
          Effect.sync(() => {
            note(`${name} has stopped`)
            host.kill()
            network?.left(name)
          })
        ),
        isAlive: () => host.isAlive
      }
    })
  })
