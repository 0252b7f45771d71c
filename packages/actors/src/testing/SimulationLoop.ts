/**
 * The event loop of a simulation: one thread for all simulated processes, which runs one task after the other in an order that chance
 * decides, and moves the clock on only when nothing is left to do. A process that is killed does nothing any more, not even finalizers.
 */
import { Clock, Context, Duration, Effect, Exit, Random, References, Schema, Scheduler } from "effect"
import * as Limits from "../Limits.ts"
import { Drain } from "../Drain.ts"
import type { SimulationChance } from "./SimulationChance.ts"

/** The simulated program does not end: everything waits, or it runs for ever. */
export class SimulationStuck extends Schema.TaggedError<SimulationStuck>()("SimulationStuck", {
  reason: Schema.String,
  steps: Schema.Int
}) {
  override get message() {
    return `After ${this.steps} steps the simulated program does not get on: ${this.reason}`
  }
}

interface Task {
  readonly owner: SimulationProcess
  readonly run: () => void
}

interface Sleeper extends Task {
  readonly atMs: number
}

/** 2026-01-01T00:00:00Z: a time that no test should depend on. */
const beginMs = 1_767_225_600_000

export class SimulationLoop {
  readonly chance: SimulationChance
  /** Tasks run so far. */
  steps: number
  /** Milliseconds since the epoch. */
  nowMs: number
  private tasks: Array<Task>
  private sleepers: Array<Sleeper>
  private plans: Array<{ readonly atStep: number; readonly run: () => void }>

  constructor(chance: SimulationChance) {
    this.chance = chance
    this.steps = 0
    this.nowMs = beginMs
    this.tasks = []
    this.sleepers = []
    this.plans = []
  }

  get elapsedMs(): number {
    return this.nowMs - beginMs
  }

  add(task: Task): void {
    this.tasks.push(task)
  }

  sleep(sleeper: Sleeper): void {
    this.sleepers.push(sleeper)
  }

  wake(sleeper: Sleeper): void {
    const at = this.sleepers.indexOf(sleeper)
    if (at >= 0) this.sleepers.splice(at, 1)
  }

  /** Runs something between two tasks, so many steps from now. */
  after(steps: number, run: () => void): void {
    this.plans.push({ atStep: this.steps + Math.max(1, steps), run })
  }

  forget(owner: SimulationProcess): void {
    this.tasks = this.tasks.filter((task) => task.owner !== owner)
    this.sleepers = this.sleepers.filter((sleeper) => sleeper.owner !== owner)
  }

  /** Runs until the effect has ended. */
  async run<A, E>(effect: Effect.Effect<A, E>, owner: SimulationProcess): Promise<Exit.Exit<A, E | SimulationStuck>> {
    let ended: Exit.Exit<A, E> | undefined
    const fiber = Effect.runForkWith(owner.context)(effect)
    fiber.addObserver((exit) => (ended = exit))
    while (ended === undefined) {
      if (this.tasks.length > 0) {
        this.step()
        if (this.steps > Limits.simulationStepsMax) return this.stuck(`more than ${Limits.simulationStepsMax} steps`)
        continue
      }
      // What the application does with Promises goes on in microtasks.
      for (let tick = 0; tick < ticksToSettle && this.tasks.length === 0; tick++) await undefined
      if (this.tasks.length > 0 || ended !== undefined || this.passTime()) continue
      await Effect.runPromise(Effect.yieldNow)
      if (this.tasks.length === 0 && ended === undefined) return this.stuck("everything waits for something else")
    }
    return ended
  }

  private step(): void {
    const at = this.chance.below(this.tasks.length)
    const task = this.tasks[at]!
    this.tasks[at] = this.tasks.at(-1)!
    this.tasks.pop()
    this.steps++
    task.owner.operationsMax = 1 + this.chance.below(operationsMax)
    task.run()
    if (this.plans.length === 0) return
    const due = this.plans.filter(({ atStep }) => atStep <= this.steps)
    if (due.length === 0) return
    this.plans = this.plans.filter(({ atStep }) => atStep > this.steps)
    for (const { run } of due) run()
  }

  /** Moves the clock to the next that sleeps. Whether there is one. */
  private passTime(): boolean {
    const next = Math.min(...this.sleepers.map(({ atMs }) => atMs))
    if (next === Number.POSITIVE_INFINITY) return false
    this.nowMs = Math.max(this.nowMs, next)
    const woken = this.sleepers.filter(({ atMs }) => atMs <= next)
    this.sleepers = this.sleepers.filter(({ atMs }) => atMs > next)
    this.tasks.push(...woken)
    return true
  }

  private stuck(reason: string): Exit.Exit<never, SimulationStuck> {
    return Exit.fail(new SimulationStuck({ reason, steps: this.steps }))
  }
}

// A chain of this many awaits settles before time passes; a longer one goes on a little later, in every run alike.
const ticksToSettle = 20

// Operations that a fiber runs in one step: few enough to meet others in the middle of things. Chosen, not measured.
const operationsMax = 32

/** One simulated process: what runs in its context runs on the loop, by its clock, until it is killed. */
export class SimulationProcess {
  readonly context: Context.Context<never>
  operationsMax: number
  isAlive: boolean
  /** Milliseconds by which its wall clock is ahead of the simulation's. Sleeping is not affected. */
  clockAheadMs: number
  private readonly loop: SimulationLoop

  constructor(loop: SimulationLoop, logs = false) {
    this.loop = loop
    this.operationsMax = operationsMax
    this.isAlive = true
    this.clockAheadMs = 0
    const { chance } = loop
    const schedule = (run: () => void) => this.schedule(run)
    const random = {
      nextIntUnsafe: () => chance.below(2 ** 31),
      nextDoubleUnsafe: () => chance.double()
    }
    this.context = Context.empty().pipe(
      Context.add(Scheduler.Scheduler, this.scheduler()),
      Context.add(Clock.Clock, this.clock()),
      Context.add(Random.Random, random),
      Context.add(References.MinimumLogLevel, logs ? "Info" : "None"),
      Context.add(Drain, {
        direct: false,
        soon: schedule,
        later: schedule,
        chance: (below: number) => chance.below(below)
      })
    ) as Context.Context<never>
  }

  /** Everything that it was about to do is forgotten. */
  kill(): void {
    this.isAlive = false
    this.loop.forget(this)
  }

  private schedule(run: () => void): void {
    if (this.isAlive) this.loop.add({ owner: this, run })
  }

  private scheduler(): Scheduler.Scheduler {
    return {
      executionMode: "async",
      shouldYield: (fiber) => fiber.currentOpCount > this.operationsMax,
      makeDispatcher: () => ({ scheduleTask: (run) => this.schedule(run), flush: () => {} })
    }
  }

  private clock(): Clock.Clock {
    const { loop } = this
    const millis = () => loop.nowMs + this.clockAheadMs
    const nanos = () => BigInt(Math.round(millis())) * 1_000_000n
    const monotonic = () => BigInt(Math.round(loop.elapsedMs)) * 1_000_000n
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic),
      sleep: (duration) =>
        Effect.callback<void>((resume) => {
          const atMs = loop.nowMs + Math.max(0, Duration.toMillis(duration))
          if (!this.isAlive || atMs === Number.POSITIVE_INFINITY) return
          const sleeper: Sleeper = { owner: this, atMs, run: () => resume(Effect.void) }
          loop.sleep(sleeper)
          return Effect.sync(() => loop.wake(sleeper))
        })
    }
  }
}
