/**
 * Who speaks next. AIs bid for the turn in a conversation; the best one has it while there is room for it, the others stay silent.
 *
 * A turn that fails, dies or takes too long is freed, and the next best bid is served. A turn in progress makes way at its next token for
 * a better process that finds no slot, and goes on where it stopped. Who waits grows in priority until nobody is before it.
 * The ThoughtStream is a supervised service itself: bids and turns outlive its restart.
 */
import { Clock, Context, Deferred, Effect, Exit, Layer, type Scope } from "effect"
import { ActorSystem } from "../ActorSystem.ts"
import * as Limits from "../Limits.ts"
import { service } from "../Service.ts"
import type { AiProcess } from "./AiProcess.ts"
import { type BudgetTooSmall, type Limits as BudgetLimits, type Need, noNeed } from "./Budget.ts"
import { CurrentTokens } from "./Quantum.ts"
import type { Mode } from "./Score.ts"
import type { Trace } from "./Trace.ts"
import { type BidTwice, type TooManyBids, TurnLost } from "./TurnError.ts"
import { Turns } from "./Turns.ts"
import type { TurnState } from "./TurnState.ts"

/** A bid for a turn. */
export interface Request {
  readonly process: AiProcess
  /** The persona's name for people, in the trace. Default: its id. */
  readonly name?: string
  /** Names the turn: the same for all that bid for it, and never used again. */
  readonly turnId: string
  /** Personas whose bids are awaited; the first bid says who. Absent: whoever bids within the window. */
  readonly invited?: ReadonlyArray<string>
  /** The persona that was called by its name: it has the turn as soon as it bids. The first bid says who. */
  readonly named?: string
  /** Default: nothing but a slot. */
  readonly need?: Need
}

export type RequestError = BudgetTooSmall | TooManyBids | BidTwice

export interface Options {
  /** Default `normalized`. */
  readonly mode?: Mode
  /** Default `Limits.bidWindowMs`. */
  readonly bidWindowMs?: number
  /** Default `Limits.turnMsMax`. */
  readonly turnMsMax?: number
  /** Turns that one process may have at once, each of which then ages by itself. Default 1. */
  readonly turnsPerProcess?: number
  /** Default: one slot, and no other limit. */
  readonly budget?: Partial<BudgetLimits>
}

/** Name of the service: its address is `continuum://local/service/thoughtstream`. */
export const serviceName = "thoughtstream"

export class ThoughtStream extends Context.Service<
  ThoughtStream,
  {
    /**
     * Whether this process has the turn. True: it has it until the scope is closed; if that is by a failure, the next best bid is
     * served. False, once the turn is over: another one answered.
     */
    readonly requestTurn: (request: Request) => Effect.Effect<boolean, RequestError, Scope.Scope>
    /** Runs the effect in the turn, if this process gets it. Tokens that the effect counts (`Quantum.tokens`) count for the turn. */
    readonly withTurn: <A, E, R>(
      request: Request,
      effect: Effect.Effect<A, E, R>
    ) => Effect.Effect<A | undefined, E | RequestError, R>
    /** An invited persona stays silent, so that nobody waits for its bid. */
    readonly decline: (turnId: string, personaId: string) => Effect.Effect<void>
    /** Counts tokens of the turn that the persona holds, and waits while a better process has the slot. */
    readonly tokens: (turnId: string, personaId: string, count: number) => Effect.Effect<void, TurnLost>
    /** What is known of a process: state, measured latency and cost. */
    readonly process: (personaId: string) => Effect.Effect<AiProcess | undefined>
    /** The process waits for something else than its slot, or does not any more. No effect unless it has a turn. */
    readonly setBlocked: (personaId: string, isBlocked: boolean) => Effect.Effect<void>
    /** Turns that somebody wants or has, at this moment: those that run first, then those that wait, the best first. */
    readonly queue: Effect.Effect<ReadonlyArray<TurnState>>
    /** Turns that run at once. */
    readonly slots: number
    readonly trace: Trace
  }
>()("@continuum/actors/ThoughtStream") {
  static readonly layer = (options: Options = {}): Layer.Layer<ThoughtStream, never, ActorSystem> =>
    Layer.effect(ThoughtStream, make(options))
}

const make = (options: Options): Effect.Effect<ThoughtStream["Service"], never, ActorSystem> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const system = yield* ActorSystem
    const turns = new Turns(
      {
        mode: options.mode ?? "normalized",
        bidWindowMs: options.bidWindowMs ?? Limits.bidWindowMs,
        turnMsMax: options.turnMsMax ?? Limits.turnMsMax,
        turnsPerProcess: options.turnsPerProcess ?? 1,
        budget: {
          slots: 1,
          memoryBytes: Number.POSITIVE_INFINITY,
          tokensPerMinute: Number.POSITIVE_INFINITY,
          ...options.budget
        }
      },
      () => clock.currentTimeMillisUnsafe()
    )
    yield* system.run(service(serviceName, keepTime(turns)))

    const requestTurn = (request: Request): Effect.Effect<boolean, RequestError, Scope.Scope> =>
      Effect.acquireRelease(
        Effect.suspend(() => {
          const { personaId } = request.process
          const granted = Deferred.makeUnsafe<boolean>()
          const refused = turns.bid({ need: noNeed, ...request }, (isGranted) => {
            Deferred.doneUnsafe(granted, Exit.succeed(isGranted))
          })
          if (refused !== undefined) return Effect.fail(refused)
          return Effect.onInterrupt(Deferred.await(granted), () =>
            Effect.sync(() => turns.withdraw(request.turnId, personaId))
          )
        }),
        (isGranted, exit) =>
          Effect.sync(() => {
            const { personaId } = request.process
            if (isGranted) turns.release(request.turnId, personaId, Exit.isSuccess(exit))
          }),
        { interruptible: true }
      )

    const tokens = (turnId: string, personaId: string, count: number): Effect.Effect<void, TurnLost> =>
      Effect.suspend(() => {
        if (!turns.spend(turnId, personaId, count)) {
          return Effect.fail(new TurnLost({ personaId, turnId, turnMsMax: turns.turnMsMax }))
        }
        if (!turns.shouldSuspend(turnId, personaId)) return Effect.void
        const back = Effect.callback<void>((resume) => turns.suspend(turnId, personaId, () => resume(Effect.void)))
        // It may have been lost meanwhile.
        return Effect.andThen(back, tokens(turnId, personaId, 0))
      })

    return ThoughtStream.of({
      requestTurn,
      withTurn: (request, effect) => {
        const { personaId } = request.process
        return Effect.scoped(
          Effect.flatMap(requestTurn(request), (isGranted) =>
            isGranted
              ? Effect.provideService(effect, CurrentTokens, (count) => tokens(request.turnId, personaId, count))
              : Effect.as(Effect.void, undefined)
          )
        )
      },
      decline: (turnId, personaId) => Effect.sync(() => turns.decline(turnId, personaId)),
      tokens,
      process: (personaId) => Effect.sync(() => turns.process(personaId)),
      setBlocked: (personaId, isBlocked) => Effect.sync(() => turns.setBlocked(personaId, isBlocked)),
      queue: Effect.sync(() => turns.queue),
      slots: options.budget?.slots ?? 1,
      trace: turns.trace
    })
  })

/** Does what time alone does: ends windows and turns, and lets those grow in priority that wait. */
const keepTime = (turns: Turns): Effect.Effect<never> =>
  Effect.forever(
    Effect.suspend(() => {
      turns.timePassed()
      const changed = Deferred.makeUnsafe<void>()
      turns.onChanged = () => Deferred.doneUnsafe(changed, Exit.void)
      const ms = turns.nextMs()
      const waiting = Deferred.await(changed)
      return ms === Number.POSITIVE_INFINITY ? waiting : Effect.asVoid(Effect.timeoutOption(waiting, ms))
    })
  )
