/**
 * What two nodes say to each other about actors that one of them has lent to the other: the home (whose realm is in the address,
 * which keeps the state and grants the lease) and the host (which runs the actor). docs/PROTOCOL.md has it in words.
 *
 * These are asks to `continuum://<realm>/lease/home` and `.../lease/host`; the `from` of their envelopes is the realm that the
 * connection has proven, and is what the other side checks.
 */
import * as Address from "@continuum/core/Address"
import { type DeliveryError, Outcome } from "@continuum/core/Delivery"
import { type Envelope, version } from "@continuum/core/Envelope"
import type { PublicKey } from "@continuum/core/Identity"
import { Lease, LeaseHeld, LeaseLost, LeaseNotGranted } from "@continuum/core/LeaseAuthority"
import { leaseTtlMsMax, leaseTtlMsMin } from "@continuum/core/Limits"
import { Effect, Schema } from "effect"
import * as Limits from "./Limits.ts"
import type { Router } from "./Router.ts"

/** The kind of these addresses, which no actor type may have. */
export const kind = "lease"

export const homeName = "home"
export const hostName = "host"

/** The actor of the home's realm, and the lease under which something is done for it. */
const held = { kind: Schema.NonEmptyString, name: Schema.NonEmptyString, epoch: Schema.Int }

const ttlMs = Schema.Int.check(Schema.isBetween({ minimum: leaseTtlMsMin, maximum: leaseTtlMsMax }))

const Bytes = Schema.NullOr(Schema.Uint8Array)

/** A record of a lent actor: 0 is its state, or the snapshot of its journal, the others are its events by number. Null: none. */
const StoredRecord = Schema.Struct({ at: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)), bytes: Bytes })
export type StoredRecord = typeof StoredRecord.Type

/** What the home asks of a host. */
export const HostRequest = Schema.Union([
  /** Run this actor: renew the lease, load its state, answer when it is ready. */
  Schema.TaggedStruct("Take", { ...held, ttlMs, hasJournal: Schema.Boolean }),
  /** A message for it; of a tell the answer is that it has a place in the mailbox. The call chain is that of the envelope. */
  Schema.TaggedStruct("Deliver", {
    ...held,
    message: Schema.NonEmptyString,
    isTell: Schema.Boolean,
    payload: Schema.Unknown
  }),
  /** Handle what has arrived, store it and stop. */
  Schema.TaggedStruct("GiveBack", held)
])
export type HostRequest = typeof HostRequest.Type
export type Deliver = Extract<HostRequest, { readonly _tag: "Deliver" }>

export const HostReply = Schema.Union([
  Schema.TaggedStruct("Taken", {}),
  Schema.TaggedStruct("Delivered", { outcome: Outcome }),
  Schema.TaggedStruct("GivenBack", {}),
  /** It does not want to, or could not: nothing runs there. */
  Schema.TaggedStruct("Refused", { reason: Schema.String }),
  /** It has no such lease any more, and did nothing. */
  Schema.TaggedStruct("NotHosted", {}),
  /** The lease ended on the way: nobody knows what was done. */
  Schema.TaggedStruct("Ended", {})
])
export type HostReply = typeof HostReply.Type

/** What a host asks of the home, or anybody who wants a lease. */
export const HomeRequest = Schema.Union([
  Schema.TaggedStruct("Load", held),
  /** Events of its journal from number `from` on. */
  Schema.TaggedStruct("LoadEvents", { ...held, from: Schema.Int.check(Schema.isGreaterThan(0)) }),
  /** Stored all or none. `sequence` counts the commits of one lease from 1, so that one that is sent again is stored once. */
  Schema.TaggedStruct("Commit", {
    ...held,
    sequence: Schema.Int,
    records: Schema.Array(StoredRecord).check(Schema.isMaxLength(Limits.recordsSentMax))
  }),
  Schema.TaggedStruct("Acquire", { address: Schema.String, holder: Schema.String, ttlMs }),
  Schema.TaggedStruct("Renew", { leases: Schema.Array(Lease).check(Schema.isMaxLength(Limits.renewedAtOnceMax)) }),
  Schema.TaggedStruct("Release", { lease: Lease }),
  Schema.TaggedStruct("Find", { address: Schema.String })
])
export type HomeRequest = typeof HomeRequest.Type

const NotAcquired = Schema.Union([LeaseHeld, LeaseNotGranted, LeaseLost])
export type NotAcquired = typeof NotAcquired.Type

/** Actors are lent by their home only. */
export const onlyServices = (address: string): LeaseNotGranted =>
  new LeaseNotGranted({ address, reason: "only services are leased on demand; actors are moved by their home" })

export const HomeReply = Schema.Union([
  Schema.TaggedStruct("Loaded", { state: Bytes }),
  /** In order; `isMore`: the next page begins behind the last one. */
  Schema.TaggedStruct("LoadedEvents", {
    events: Schema.Array(Schema.Struct({ at: Schema.Int, bytes: Schema.Uint8Array })),
    isMore: Schema.Boolean
  }),
  Schema.TaggedStruct("Committed", {}),
  /** The lease is lost: nothing was stored. */
  Schema.TaggedStruct("Fenced", {}),
  /** The storage failed: nothing was stored, and the lease goes on. */
  Schema.TaggedStruct("Failed", { reason: Schema.String }),
  Schema.TaggedStruct("Acquired", { lease: Lease }),
  Schema.TaggedStruct("NotAcquired", { error: NotAcquired }),
  /** Epochs of those that are lost. */
  Schema.TaggedStruct("Renewed", { lost: Schema.Array(Schema.Int) }),
  Schema.TaggedStruct("Released", { was: Schema.Boolean }),
  Schema.TaggedStruct("Found", {
    lease: Schema.NullOr(Schema.Struct({ ...Lease.fields, remainingMs: Schema.Number }))
  })
])
export type HomeReply = typeof HomeReply.Type

/** The other side did not answer. */
export class PeerSilent extends Schema.TaggedError<PeerSilent>()("PeerSilent", {
  reason: Schema.String,
  /** Whether the request may have arrived. */
  sent: Schema.Boolean,
  /** Whether it would be the same another time. */
  isFinal: Schema.Boolean
}) {
  override get message() {
    return this.reason
  }
}

export interface SendOptions {
  /** Milliseconds until nobody waits any more; absent: as long as the connection lives. */
  readonly deadlineMs?: number
  readonly chain?: ReadonlyArray<Address.Address>
}

const asker =
  <Request, Reply>(name: string, request: Schema.Codec<Request, unknown>, reply: Schema.Codec<Reply, unknown>) =>
  (router: Router, realm: string, message: Request, options: SendOptions = {}): Effect.Effect<Reply, PeerSilent> => {
    const { delivery, realm: own } = router
    if (delivery === undefined || own === undefined) {
      return Effect.fail(new PeerSilent({ reason: "this node takes part in no mesh", sent: false, isFinal: true }))
    }
    const envelope: Envelope = {
      version,
      id: router.nextId(),
      kind: "ask",
      to: { realm, kind, name },
      from: { realm: own, kind, name },
      message: name,
      payload: Schema.encodeSync(request)(message),
      ...(options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs }),
      ...(options.chain === undefined || options.chain.length === 0 ? {} : { chain: options.chain })
    }
    const asked = Effect.flatMap(Effect.mapError(delivery.ask(envelope), silentOf), (outcome) =>
      outcome._tag === "Replied"
        ? Effect.mapError(
            Schema.decodeUnknownEffect(reply)(outcome.value),
            ({ message }) =>
              new PeerSilent({
                reason: `it answered what this version does not know: ${message}`,
                sent: true,
                isFinal: true
              })
          )
        : Effect.fail(new PeerSilent({ reason: "it does not know leases", sent: false, isFinal: true }))
    )
    if (options.deadlineMs === undefined) return asked
    const { deadlineMs } = options
    return Effect.timeoutOrElse(asked, {
      duration: deadlineMs,
      orElse: () =>
        Effect.fail(
          new PeerSilent({
            reason: `it did not answer within ${Math.round(deadlineMs)} ms`,
            sent: true,
            isFinal: false
          })
        )
    })
  }

/** Only of a lost connection it is unknown what arrived. */
const silentOf = (error: DeliveryError): PeerSilent =>
  new PeerSilent({
    reason: error.message,
    sent: error._tag === "TransportLost",
    isFinal: error._tag === "NotGranted" || error._tag === "EnvelopeMalformed"
  })

export const askHost = asker(hostName, HostRequest, HostReply)
export const askHome = asker(homeName, HomeRequest, HomeReply)

const decodeHostRequest = Schema.decodeUnknownEffect(HostRequest)
const decodeHomeRequest = Schema.decodeUnknownEffect(HomeRequest)
const encodeHostReply = Schema.encodeSync(HostReply)
const encodeHomeReply = Schema.encodeSync(HomeReply)

/** Who answers these asks on a node. `realm` is that of the other node. */
export interface Answers {
  readonly host: (realm: PublicKey, request: HostRequest, envelope: Envelope) => Effect.Effect<HostReply>
  readonly home: (realm: PublicKey, request: HomeRequest) => Effect.Effect<HomeReply>
}

/** The answer to an envelope of this kind. What is no such request is refused with its reason. */
export const answer = (answers: Answers, envelope: Envelope): Effect.Effect<Outcome> => {
  const realm = envelope.from?.realm as PublicKey | undefined
  const refused = (reason: string): Effect.Effect<Outcome> => Effect.succeed({ _tag: "Refused", error: { reason } })
  if (realm === undefined) return refused("it does not say whose it is")
  const answered: Effect.Effect<unknown, Schema.SchemaError> =
    envelope.to.name === hostName
      ? Effect.flatMap(decodeHostRequest(envelope.payload), (request) =>
          Effect.map(answers.host(realm, request, envelope), encodeHostReply)
        )
      : Effect.flatMap(decodeHomeRequest(envelope.payload), (request) =>
          Effect.map(answers.home(realm, request), encodeHomeReply)
        )
  return Effect.matchEffect(answered, {
    onFailure: ({ message }) => refused(message),
    onSuccess: (value) => Effect.succeed<Outcome>({ _tag: "Replied", value })
  })
}
