/**
 * Brings one content here from several peers at once, each group from whoever is free.
 *
 * The first source proves outline and length; a second one is asked for that proof when the first is slow. Then every
 * source has a window of groups on the way. When all that is missing is on its way, a source that is free asks for what
 * has been on its way for long, so that the slowest source does not decide. A source that lies, fails or is slow is left, and what it owed is asked from
 * the others. Nothing here is trusted: `VerifiedStream` is what decides.
 */
import type { ContentId } from "@continuum/core/ContentId"
import type { PublicKey } from "@continuum/core/Identity"
import { Clock, Effect, Latch, Schedule, Semaphore } from "effect"
import {
  contentBusyPauseMs,
  contentBusyRetries,
  contentGroupTimeoutMs,
  contentHaveTimeoutMs,
  contentHeadStartMs,
  contentOutlineTimeoutMs,
  contentOwedMs,
  contentSourcesMax,
  contentWindowGroups
} from "../Limits.ts"
import { type ContentSource, SourceFailed } from "./ContentSource.ts"
import * as Signal from "./Signal.ts"
import { assemble, type Assembly, type ContentForged, groupLengthOf, groupsOf, isOutlineOf } from "./VerifiedStream.ts"

/** Someone who may have the content. */
export interface Candidate {
  readonly peer: PublicKey
  /** Asked before the others. */
  readonly hinted: boolean
  /** Its channel, opened where need be. */
  readonly connect: Effect.Effect<ContentSource, SourceFailed>
}

export interface TransferOptions {
  readonly id: ContentId
  /** What an earlier transfer left unfinished. */
  readonly assembly?: Assembly | undefined
  /** Holds back what takes memory, content of more than one group, until there is a place for it. */
  readonly places: Semaphore.Semaphore
  /** A source sent something false. */
  readonly onLiar: (peer: PublicKey, lie: ContentForged) => Effect.Effect<void>
}

export interface Transfer {
  /** Fetches from these until the content is whole or none of them gives more. Whether it is whole. */
  readonly round: (candidates: ReadonlyArray<Candidate>) => Effect.Effect<boolean>
  /** What there is so far; undefined before the first proof. */
  readonly assembly: () => Assembly | undefined
}

export const make = (options: TransferOptions): Transfer => {
  const { id } = options
  let assembly = options.assembly
  /** Sources that are being asked for the proof. */
  let proving = 0
  /** Which sources are being asked for a group, and since when. */
  const asked = new Map<number, { readonly peers: Set<PublicKey>; readonly sinceMs: number }>()
  const changes = Signal.make()
  const isWhole = () => assembly?.missing() === 0

  const lied = (source: ContentSource) => (lie: ContentForged) =>
    Effect.andThen(
      options.onLiar(source.peer, lie),
      Effect.fail(new SourceFailed({ peer: source.peer, reason: "forged" }))
    )

  /** Outline and last group from one source: after this `assembly` is there, from this source or a faster one. */
  const prove = Effect.fnUntraced(function* (source: ContentSource) {
    const outline = yield* within(source, contentOutlineTimeoutMs, source.outline(id))
    const last = groupsOf(outline.length) - 1
    // Before a length that nobody vouches for is asked for.
    if (!isOutlineOf(id, outline)) return yield* verified(source, () => void assemble(id, outline, new Uint8Array(0)))
    const bytes = yield* within(
      source,
      contentGroupTimeoutMs,
      source.group(id, last, groupLengthOf(outline.length, last))
    )
    yield* verified(source, () => {
      const begun = assemble(id, outline, bytes)
      assembly ??= begun
    })
  })

  const verified = (source: ContentSource, step: () => void) =>
    Effect.catch(Effect.try({ try: step, catch: (error) => error as ContentForged }), lied(source))

  /** Sees to it that somebody proves the outline. */
  const awaitProof = Effect.fnUntraced(function* (source: ContentSource) {
    let patience = true
    while (assembly === undefined) {
      if (proving === 0 || !patience) {
        proving++
        yield* Effect.ensuring(
          // Another may be faster: then this source is free for the groups.
          Effect.raceFirst(
            prove(source),
            Signal.until(changes, () => assembly !== undefined)
          ),
          Effect.sync(() => {
            proving--
            changes.notify()
          })
        )
      } else {
        patience = yield* withinHeadStart(() => proving === 0 || assembly !== undefined)
      }
    }
    return assembly
  })

  /** Whether the condition comes to hold before the head start of the first is over. */
  const withinHeadStart = (condition: () => boolean) =>
    Effect.map(
      Effect.timeoutOption(Signal.until(changes, condition), contentHeadStartMs),
      ({ _tag }) => _tag === "Some"
    )

  /** The group that this source should be asked for: one that nobody is asked for, else one that another owes for long. */
  const next = (whole: Assembly, peer: PublicKey, nowMs: number): number | undefined => {
    let owed: number | undefined
    for (let index = 0; index < whole.groups; index++) {
      if (whole.has(index)) continue
      const asking = asked.get(index)
      if (asking === undefined) return index
      const isLong = nowMs - asking.sinceMs >= contentOwedMs
      if (owed === undefined && isLong && asking.peers.size < 2 && !asking.peers.has(peer)) owed = index
    }
    return owed
  }

  const fetchGroup = Effect.fnUntraced(function* (
    whole: Assembly,
    source: ContentSource,
    index: number,
    nowMs: number
  ) {
    const asking = asked.get(index) ?? { peers: new Set(), sinceMs: nowMs }
    asked.set(index, asking)
    asking.peers.add(source.peer)
    const length = groupLengthOf(whole.outline.length, index)
    yield* within(source, contentGroupTimeoutMs, source.group(id, index, length)).pipe(
      Effect.flatMap((bytes) => verified(source, () => whole.add(index, bytes))),
      // Another was faster: this request is cancelled.
      Effect.raceFirst(Signal.until(changes, () => whole.has(index))),
      Effect.ensuring(
        Effect.sync(() => {
          asking.peers.delete(source.peer)
          if (asking.peers.size === 0) asked.delete(index)
          changes.notify()
        })
      )
    )
  })

  /** One place in a source's window: fetches one group after the other while any is missing. */
  const work = Effect.fnUntraced(function* (whole: Assembly, source: ContentSource) {
    while (whole.missing() > 0) {
      const seen = changes.version()
      const nowMs = yield* Clock.currentTimeMillis
      const index = next(whole, source.peer, nowMs)
      if (index !== undefined) yield* fetchGroup(whole, source, index, nowMs)
      else yield* Effect.timeoutOption(changes.changed(seen), contentOwedMs)
    }
  })

  const round = Effect.fnUntraced(function* (candidates: ReadonlyArray<Candidate>) {
    const admitted = Latch.makeUnsafe(false)
    const slots = Semaphore.makeUnsafe(contentSourcesMax)
    let hintsLeft = candidates.filter(({ hinted }) => hinted).length

    const use = Effect.fnUntraced(function* (source: ContentSource) {
      const whole = yield* awaitProof(source)
      yield* admitted.await
      yield* Effect.forEach(Array.from({ length: contentWindowGroups }), () => work(whole, source), {
        concurrency: "unbounded",
        discard: true
      })
    })

    const tryOut = Effect.fnUntraced(
      function* ({ connect, hinted }: Candidate) {
        if (!hinted && hintsLeft > 0) yield* withinHeadStart(() => hintsLeft === 0 || assembly !== undefined)
        if (isWhole()) return
        const source = yield* connect
        yield* within(source, contentHaveTimeoutMs, source.have(id))
        yield* slots.withPermit(use(source))
      },
      (effect, { hinted, peer }) =>
        effect.pipe(
          Effect.catchTag("SourceFailed", ({ reason }) => Effect.logDebug("A source was left", { id, peer, reason })),
          Effect.andThen(
            Effect.sync(() => {
              if (hinted) hintsLeft--
              changes.notify()
            })
          )
        )
    )

    const admit = Effect.gen(function* () {
      yield* Signal.until(changes, () => assembly !== undefined)
      if (!isWhole()) yield* Semaphore.takeScoped(options.places, 1)
      yield* admitted.open
    })

    yield* Effect.scoped(
      Effect.andThen(
        Effect.forkScoped(admit),
        Effect.raceFirst(
          Effect.forEach(candidates, tryOut, { concurrency: "unbounded", discard: true }),
          Signal.until(changes, isWhole)
        )
      )
    )
    return isWhole()
  })

  return { round, assembly: () => assembly }
}

/** Asks again while the source is busy; fails with `slow` when the answer takes longer than this. */
const within = <A>(source: ContentSource, ms: number, request: Effect.Effect<A, SourceFailed>) =>
  request.pipe(
    Effect.timeoutOrElse({
      duration: ms,
      orElse: () => Effect.fail(new SourceFailed({ peer: source.peer, reason: "slow" }))
    }),
    Effect.retry({
      while: ({ reason }) => reason === "busy",
      schedule: Schedule.exponential(contentBusyPauseMs),
      times: contentBusyRetries
    })
  )
