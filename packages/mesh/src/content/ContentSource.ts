/**
 * Asks one peer on its content channel. What it answers is not verified here; that it answers what was asked, is.
 *
 * Interrupting a request cancels it over there. When the channel closes, every request fails with `gone`.
 */
import type { ContentId } from "@continuum/core/ContentId"
import type { PublicKey } from "@continuum/core/Identity"
import { Effect, Schema, Semaphore } from "effect"
import { contentRequestsPerPeerMax } from "../Limits.ts"
import { type ContentAnswer, ContentMessageMalformed, type ContentRequest } from "./ContentMessage.ts"
import type { ContentOutbox } from "./ContentOutbox.ts"
import type { Outline } from "./VerifiedStream.ts"

/** The peer did not give what it was asked for. */
export class SourceFailed extends Schema.TaggedError<SourceFailed>()("SourceFailed", {
  peer: Schema.String,
  reason: Schema.Literals(["busy", "forged", "gone", "missing", "refused", "slow"])
}) {
  override get message() {
    return `The peer ${this.peer} gives no content: ${this.reason}`
  }
}

export interface ContentSource {
  readonly peer: PublicKey
  /** Whether it has the content: fails with `missing` when not. */
  readonly have: (id: ContentId) => Effect.Effect<void, SourceFailed>
  readonly outline: (id: ContentId) => Effect.Effect<Outline, SourceFailed>
  /** The bytes of a group of this length; wrong ones may be shorter or somewhat longer. */
  readonly group: (id: ContentId, index: number, length: number) => Effect.Effect<Uint8Array, SourceFailed>
}

/** The source, and what its channel tells it. */
export interface ContentSourceEvents extends ContentSource {
  /** Throws `ContentMessageMalformed` for what answers nothing that was ever asked. */
  readonly answer: (message: ContentAnswer) => void
  readonly closed: () => void
}

/** What becomes of an answer: it is taken and more comes, it is none for this request, or the request is done. */
type Taken = "more" | "foreign" | { readonly result: Effect.Effect<unknown, SourceFailed> }

interface Pending {
  readonly take: (message: ContentAnswer) => Taken
  readonly resume: (result: Effect.Effect<unknown, SourceFailed>) => void
}

const refusals = { Busy: "busy", Missing: "missing", Refused: "refused" } as const

export const make = (peer: PublicKey, outbox: ContentOutbox): ContentSourceEvents => {
  const pending = new Map<number, Pending>()
  // The peer ends the connection at twice as many.
  const places = Semaphore.makeUnsafe(contentRequestsPerPeerMax / 2)
  let next = 0
  let open = true
  const failed = (reason: SourceFailed["reason"]) => Effect.fail(new SourceFailed({ peer, reason }))

  const ask = <A>(
    message: (request: number) => ContentRequest,
    take: (message: ContentAnswer) => "more" | "foreign" | { readonly result: Effect.Effect<A, SourceFailed> }
  ): Effect.Effect<A, SourceFailed> =>
    places.withPermit(
      Effect.callback<A, SourceFailed>((resume) => {
        if (!open) return resume(failed("gone"))
        const request = next++
        pending.set(request, { take, resume: resume as Pending["resume"] })
        outbox.ask(message(request))
        return Effect.sync(() => {
          if (pending.delete(request) && open) outbox.ask({ _tag: "Cancel", request })
        })
      })
    )

  return {
    peer,
    have: (contentId) =>
      ask(
        (request) => ({ _tag: "Have", request, contentId }),
        (message) => (message._tag === "Held" ? { result: Effect.void } : "foreign")
      ),
    outline: (contentId) =>
      ask(
        (request) => ({ _tag: "Outline", request, contentId }),
        (message) =>
          message._tag === "Outlined"
            ? { result: Effect.succeed({ length: message.length, hashes: message.hashes }) }
            : "foreign"
      ),
    group: (contentId, index, length) => {
      const parts: Array<Uint8Array> = []
      let bytes = 0
      return ask(
        (request) => ({ _tag: "Group", request, contentId, index }),
        (message) => {
          if (message._tag !== "Part" || (message.bytes.length === 0 && !message.last)) return "foreign"
          parts.push(message.bytes)
          bytes += message.bytes.length
          return message.last || bytes > length ? { result: Effect.succeed(concat(parts, bytes)) } : "more"
        }
      )
    },
    answer: (message) => {
      const asked = pending.get(message.request)
      if (asked === undefined) {
        // Cancelled, and the answer was on its way already.
        if (message.request < next) return
        throw new ContentMessageMalformed({ reason: `request ${message.request} was never made` })
      }
      const taken =
        message._tag === "Busy" || message._tag === "Missing" || message._tag === "Refused"
          ? { result: failed(refusals[message._tag]) }
          : asked.take(message)
      if (taken === "more") return
      if (taken === "foreign") {
        throw new ContentMessageMalformed({ reason: `${message._tag} does not answer request ${message.request}` })
      }
      pending.delete(message.request)
      asked.resume(taken.result)
    },
    closed: () => {
      open = false
      for (const { resume } of pending.values()) resume(failed("gone"))
      pending.clear()
    }
  }
}

const concat = (parts: ReadonlyArray<Uint8Array>, length: number): Uint8Array => {
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
