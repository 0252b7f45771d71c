/**
 * One running service: the fiber of its effect, and its supervisor's memory.
 */
import { localRealm } from "@continuum/core/Address"
import { Cause, type Context, Effect, Exit, Fiber } from "effect"
import * as ActorEvents from "./ActorEvents.ts"
import type { Kernel } from "./Kernel.ts"
import { addressText } from "./Message.ts"
import { kind, type Service } from "./Service.ts"
import * as Supervisor from "./Supervisor.ts"

export class ServiceCell {
  readonly kernel: Kernel
  readonly service: Service<unknown, never>
  readonly history: Supervisor.History
  phase: "running" | "restarting" | "stopped"
  startedAtMs: number | undefined
  stopReason: string
  private readonly context: Context.Context<never>
  // The fiber of the effect, or of the wait before it.
  private fiber: Fiber.Fiber<unknown, unknown> | undefined

  constructor(kernel: Kernel, service: Service<unknown, never>, context: Context.Context<never>) {
    this.kernel = kernel
    this.service = service
    this.history = Supervisor.makeHistory()
    this.phase = "running"
    this.startedAtMs = undefined
    this.stopReason = ""
    this.context = context
    this.fiber = undefined
  }

  get address(): string {
    return addressText(localRealm, kind, this.service.name)
  }

  start(): void {
    this.phase = "running"
    this.stopReason = ""
    this.startedAtMs = this.kernel.nowMs()
    ActorEvents.started(this)
    // Started by the scheduler and not inside the caller: a service that never yields must not hold up what starts it.
    this.follow(Effect.andThen(Effect.yieldNow, this.service.effect as Effect.Effect<unknown, unknown>), (exit) =>
      this.ended(exit)
    )
  }

  /** Interrupts it, waits for its finalizers, and starts it again now. */
  readonly restart: Effect.Effect<void> = Effect.suspend(() => {
    const fiber = this.release()
    return Effect.andThen(
      fiber === undefined ? Effect.void : Fiber.interrupt(fiber),
      Effect.sync(() => {
        if (this.kernel.stopping || this.fiber !== undefined) return
        Supervisor.restartedByHand(this.history)
        this.kernel.restarts++
        ActorEvents.restarted(this, 0)
        this.start()
      })
    )
  })

  /** Interrupts it and waits for its finalizers. */
  stop(reason: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.phase = "stopped"
      this.stopReason = reason
      ActorEvents.stopped(this, reason, false)
      const fiber = this.release()
      return fiber === undefined ? Effect.void : Fiber.interrupt(fiber)
    })
  }

  private ended(exit: Exit.Exit<unknown, unknown>): void {
    const cause = Exit.isSuccess(exit) ? undefined : Cause.pretty(exit.cause)
    if (cause !== undefined) {
      this.kernel.failed++
      ActorEvents.failed(this, "run", cause)
    }
    const end = { timeMs: this.kernel.nowMs(), messageName: "run", ...(cause === undefined ? {} : { cause }) }
    const decision = Supervisor.ended(this.service.strategy, this.history, end, this.kernel.chance())
    if (decision._tag === "Stop") {
      this.phase = "stopped"
      this.stopReason = decision.reason
      ActorEvents.stopped(this, decision.reason, cause === undefined)
      return
    }
    this.kernel.restarts++
    this.phase = "restarting"
    ActorEvents.restarted(this, decision.delayMs)
    this.follow(Effect.sleep(decision.delayMs), () => this.start())
  }

  private follow(effect: Effect.Effect<unknown, unknown>, then: (exit: Exit.Exit<unknown, unknown>) => void): void {
    const fiber = this.kernel.fork(effect, this.context)
    this.fiber = fiber
    fiber.addObserver((exit) => {
      if (this.fiber !== fiber) return
      this.fiber = undefined
      then(exit)
    })
  }

  private release(): Fiber.Fiber<unknown, unknown> | undefined {
    const fiber = this.fiber
    this.fiber = undefined
    return fiber
  }
}
