/**
 * How a persona thinks: `process` an event in six steps, perceive, understand, coordinate, generate, act, learn. Read it
 * from top to bottom.
 *
 * It runs outside of the persona's actor, in the fiber of whoever asked, because an answer takes long: the actor only
 * begins the turn and remembers it. When that fiber is interrupted, the model stops and the turn is abandoned.
 */
import type { ActorError } from "@continuum/actors/ActorError"
import type { ActorRef } from "@continuum/actors/ActorRef"
import type { Messages } from "@continuum/actors/Actor"
import type { Turn } from "@continuum/genome/backend/Backend"
import type { BackendError } from "@continuum/genome/backend/BackendError"
import { Clock, Effect, Stream } from "effect"
import * as Conversation from "./Conversation.ts"
import type { CognitiveEvent } from "./Event.ts"
import * as Exercise from "./Exercise.ts"
import * as Introduction from "./Introduction.ts"
import * as Floor from "./Floor.ts"
import * as Limits from "./Limits.ts"
import { resolve, type KnownLayer } from "./NamedLayer.ts"
import type { Persona } from "./Persona.ts"
import { type CognitionError, PromptEmpty, PromptTooLarge } from "./PersonaError.ts"
import type { Template } from "./Templates.ts"
import type { Trace } from "./Trace.ts"
import type { Offer, Perception, Piece, Worker } from "./Worker.ts"

export type ProcessError = CognitionError | BackendError | Exclude<ActorError, { readonly _tag: "MessageUnknown" }>

/** What an event comes to: text, and at the end what was done. */
export type StateChange =
  | { readonly _tag: "Text"; readonly text: string }
  | { readonly _tag: "Done"; readonly reason: "stop" | "length"; readonly trace: Trace }

/** A persona as its thinking needs it. */
export interface Mind {
  readonly template: Template
  readonly actor: ActorRef<Messages<Persona>>
  /** The layers that the node has. */
  readonly layers: Effect.Effect<ReadonlyArray<KnownLayer>>
  /** In the order in which equal bids win. */
  readonly workers: ReadonlyArray<Worker>
  readonly floor: Floor.Floor
}

/** The answer, piece by piece. `Done` comes once the turn is remembered. */
export const process = (mind: Mind, event: CognitiveEvent): Stream.Stream<StateChange, ProcessError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const startedMs = yield* Clock.currentTimeMillis
      const turn = yield* begin(mind.actor, event)
      const perception = yield* perceive(mind, event, turn.history)
      yield* understand(perception)
      const offers = yield* takeTurn(mind, perception, yield* coordinate(mind, perception))
      const said: Array<string> = []
      const told = generate(offers, startedMs)
      return Stream.mapEffect(offers[0]!.answer, (piece): Effect.Effect<StateChange, ProcessError> =>
        Effect.flatMap(told(piece), (change) =>
          // What was said is learned before the end is told.
          Effect.as(change._tag === "Text" ? act(change.text, said) : turn.learn(said.join("")), change)
        )
      )
    })
  )

/** Keeps the conversation for this turn until the stream ends; nothing to keep when the caller has the history. */
const begin = Effect.fnUntraced(function* (
  actor: Mind["actor"],
  { context, prompt }: Pick<CognitiveEvent, "context" | "prompt">
) {
  if (context._tag === "History") return { history: context.turns, learn: () => Effect.void }
  const conversation = context.id
  const { history, turn } = yield* Effect.acquireRelease(actor.begin({ conversation }), ({ turn }) =>
    // After a commit this finds nothing to do.
    Effect.ignore(actor.abandon({ conversation, turn }))
  )
  return { history, learn: (answer: string) => actor.commit({ conversation, turn, question: prompt, answer }) }
})

/**
 * A turn of a persona's conversation that another one answers, with what was said so far: remembered here before its `Done` is told,
 * and not at all when the answer fails or is left.
 */
export const remember = <
  Change extends { readonly _tag: "Text"; readonly text: string } | { readonly _tag: "Done" },
  E
>(
  actor: Mind["actor"],
  conversation: string,
  prompt: string,
  answer: (history: ReadonlyArray<Turn>) => Stream.Stream<Change, E>
): Stream.Stream<Change, E | ProcessError> =>
  Stream.unwrap(
    Effect.map(begin(actor, { context: { _tag: "Conversation", id: conversation }, prompt }), ({ history, learn }) => {
      const said: Array<string> = []
      return Stream.tap(answer(history), (change): Effect.Effect<unknown, ProcessError> =>
        change._tag === "Text" ? act(change.text, said) : learn(said.join(""))
      )
    })
  )

/** What is needed to decide: the prompt, what was said, and the layers at hand. */
const perceive = Effect.fnUntraced(function* (
  { actor, layers, template }: Mind,
  event: CognitiveEvent,
  history: ReadonlyArray<Turn>
) {
  const present = yield* layers
  const wanted = event.layers
  // A persona's own layers may be gone from the node by now; then it does without.
  const own = Effect.map(actor.profile({}), (profile) =>
    profile.layers.flatMap((name) => {
      // Of several of a name, such as an older version that is still kept, the first.
      const found = present.find((layer) => layer.name === name && layer.otherBase === undefined)
      return found === undefined ? [] : [found]
    })
  )
  const worn = yield* wanted === undefined ? own : resolve(present, wanted)
  // With layers that a caller chose, any exercise is written as one, so that he sees what they make of it.
  const learned = wanted === undefined ? worn.map(({ name }) => name) : Exercise.allLayers
  const exercise = Exercise.recognise(event.prompt, learned)
  const asksOfItself = wanted === undefined && exercise === undefined
  const perception: Perception = {
    persona: event.priority === undefined ? template : { ...template, priority: event.priority },
    prompt: event.prompt,
    history,
    layers: worn,
    insists: wanted !== undefined,
    exercise,
    introduction: asksOfItself ? Introduction.of(template, event.prompt, learned) : undefined,
    sampling: event.sampling,
    stop: event.stop ?? [],
    tokensMax: event.tokensMax
  }
  return perception
}, Effect.withSpan("Persona.perceive"))

/** Is there anything to answer? Later domains decline here what does not concern the persona. */
const understand = Effect.fnUntraced(function* ({ prompt }: Perception) {
  if (prompt.trim() === "") return yield* new PromptEmpty()
  const bytes = Conversation.bytesOf([{ role: "user", content: prompt }])
  if (bytes > Limits.promptBytesMax) return yield* new PromptTooLarge({ bytes, bytesMax: Limits.promptBytesMax })
})

/** Every worker bids; the best bid gets the turn, and the first of equals. Best first. Who names layers wants the model. */
const coordinate = Effect.fnUntraced(function* ({ workers }: Mind, perception: Perception) {
  const asked = perception.insists ? workers.filter(({ name }) => name === "model") : workers
  // None of them computes anything yet: fibers of their own would take longer than their bids.
  const offers = yield* Effect.forEach(asked, (worker) => worker.offer(perception))
  return offers.toSorted((one, other) => other.bid.confidence - one.bid.confidence)
}, Effect.withSpan("Persona.coordinate"))

/** The persona waits until it may speak, and may until the stream ends; its answer makes way for a better one. */
const takeTurn = Effect.fnUntraced(function* (
  { floor }: Mind,
  { persona: { name, priority } }: Perception,
  [winner, ...others]: ReadonlyArray<Offer>
) {
  const turn = yield* floor.take({ name, priority, confidence: winner!.bid.confidence })
  return [{ ...winner!, answer: Floor.counted(winner!.answer, turn) }, ...others]
})

/** The winner speaks, the first of the offers, and says at the end how it came to that. */
const generate = (offers: ReadonlyArray<Offer>, startedMs: number) => {
  const { bid, layers, sources } = offers[0]!
  let firstMs: number | undefined
  return (piece: Piece): Effect.Effect<StateChange> =>
    Effect.map(Clock.currentTimeMillis, (nowMs) => {
      firstMs ??= nowMs
      if (piece._tag === "Text") return piece
      const trace: Trace = {
        worker: bid.worker,
        bids: offers.map((offer) => offer.bid),
        layers,
        sources,
        promptTokens: piece.usage.promptTokens,
        tokens: piece.usage.completionTokens,
        ttftMs: firstMs - startedMs,
        ms: nowMs - startedMs,
        cost: 0
      }
      return { _tag: "Done", reason: piece.reason, trace }
    })
}

/** What a conversation asks to be done is to say it: the text goes on to whoever reads the stream. */
const act = (text: string, said: Array<string>) => Effect.sync(() => said.push(text))
