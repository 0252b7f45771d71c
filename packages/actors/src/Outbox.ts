/**
 * Messages to durable mailboxes of other nodes: each is stored under `~out/<address>/<life>-<number>` with what its sender did, and sent
 * again and again under one name until the other node says that it has it, also after a crash of either.
 *
 * To one actor one message is under way at a time, so they arrive in order, and none is ever sent again after a newer one arrived. What
 * the other node will never take, or has not taken for `Limits.outgoingMsMax`, is a dead letter.
 */
import * as Address from "@continuum/core/Address"
import * as Codec from "@continuum/core/Codec"
import type { DeliveryError, Outcome } from "@continuum/core/Delivery"
import type { Envelope } from "@continuum/core/Envelope"
import { Effect, Result, Schema } from "effect"
import { ActorError, NotExposed, OutboxFull, PayloadMalformed, StateNotStored } from "./ActorError.ts"
import type { ActorStorage, Write } from "./ActorStorage.ts"
import type { Kernel } from "./Kernel.ts"
import * as Limits from "./Limits.ts"
import { isTransaction, type Message, type Outgoing } from "./Message.ts"
import * as Parcel from "./Parcel.ts"
import type { PostLife } from "./PostLife.ts"
import type { RecordWriter } from "./RecordWriter.ts"

/** The parcels to one actor, oldest first. */
interface Line {
  readonly to: string
  readonly parcels: Array<Parcel.Parcel>
  isSending: boolean
}

export class Outbox {
  /** Messages that wait or are under way. */
  size: number
  /** Messages of no handler that are on their way to the storage. */
  private storing: number
  private readonly kernel: Kernel
  private readonly storage: ActorStorage["Service"]
  private readonly writer: RecordWriter
  private readonly life: PostLife
  private readonly stream: string
  private readonly lines: Map<string, Line>
  private number: number
  /** Those of earlier lives have been found. */
  private isRecovered: boolean

  constructor(kernel: Kernel, storage: ActorStorage["Service"], writer: RecordWriter, life: PostLife) {
    this.size = 0
    this.storing = 0
    this.kernel = kernel
    this.storage = storage
    this.writer = writer
    this.life = life
    // By chance too, for a storage that was restored from a backup counts its lives again.
    this.stream = `${life.number}-${Math.floor(kernel.chance() * 2 ** 52).toString(36)}`
    this.lines = new Map()
    this.number = 0
    this.isRecovered = false
  }

  // ---------------------------------------------------------------- sending

  /**
   * Sends a message with what the handler of `sender` does; without one it is stored on its own, which the Effect waits for and a caller
   * has to run. Fails at once when it cannot be sent.
   */
  send(
    to: string,
    message: string,
    payload: unknown,
    sender: Message | undefined
  ): Result.Result<Effect.Effect<void, StateNotStored>, OutboxFull | PayloadMalformed> {
    const full = (capacity: number) => Result.fail(new OutboxFull({ address: to, capacity }))
    const outbox = sender !== undefined && isTransaction(sender) ? (sender.outbox ??= []) : undefined
    if (this.size + this.storing >= Limits.outgoingMax) return full(Limits.outgoingMax)
    if (outbox !== undefined && outbox.length >= Limits.lettersPerMessageMax) return full(Limits.lettersPerMessageMax)
    const parcel = this.parcel(to, message, payload, sender)
    const malformed = (reason: string) =>
      Result.fail(new PayloadMalformed({ address: to, messageName: message, reason }))
    let state: Uint8Array
    try {
      state = Codec.encode(parcel.stored)
    } catch (cause) {
      return malformed(cause instanceof Error ? cause.message : String(cause))
    }
    if (state.length > Limits.letterBytesMax)
      return malformed(`it has ${state.length} bytes, more than the limit of ${Limits.letterBytesMax}`)
    const records = [...this.life.writes(), { address: parcel.key, state }]
    if (outbox === undefined) return Result.succeed(this.store(parcel, records))
    outbox.push(this.outgoing(sender!, parcel, records))
    return Result.succeed(Effect.void)
  }

  private parcel(to: string, message: string, payload: unknown, sender: Message | undefined): Parcel.Parcel {
    const sequence = this.number++
    const stored = {
      stream: this.stream,
      sequence,
      ...(sender === undefined || sender.cell.type.isGuest ? {} : { from: sender.address }),
      message,
      payload,
      timeMs: this.kernel.nowMs()
    }
    return Parcel.make(to, this.life.number, stored)
  }

  private outgoing({ entry }: Message, parcel: Parcel.Parcel, records: ReadonlyArray<Write>): Outgoing {
    const accept = () => {
      this.accept(parcel)
      return undefined
    }
    return { cell: { offer: accept, deadLetter: () => undefined }, entry, payload: undefined, records }
  }

  private store(parcel: Parcel.Parcel, records: ReadonlyArray<Write>): Effect.Effect<void, StateNotStored> {
    return Effect.callback((resume) => {
      this.storing++
      this.writer.add(records, (error) => {
        this.storing--
        if (error !== undefined) {
          const reason = `the message could not be stored: ${error.reason}`
          return resume(Effect.fail(new StateNotStored({ address: parcel.to, reason })))
        }
        this.accept(parcel)
        resume(Effect.void)
      })
    })
  }

  /** A message is stored. */
  private accept(parcel: Parcel.Parcel): void {
    this.life.isStored = true
    this.size++
    const line = this.lineOf(parcel.to)
    line.parcels.push(parcel)
    this.start(line)
  }

  private lineOf(to: string): Line {
    const known = this.lines.get(to)
    if (known !== undefined) return known
    const line = { to, parcels: [], isSending: false }
    this.lines.set(to, line)
    return line
  }

  // ---------------------------------------------------------------- delivery

  private start(line: Line): void {
    const { kernel } = this
    if (line.isSending || !this.isRecovered || kernel.stopping || kernel.router.delivery === undefined) return
    line.isSending = true
    kernel.forkBackground(this.deliver(line))
  }

  private deliver(line: Line): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      let failures = 0
      for (;;) {
        const [parcel] = line.parcels
        if (parcel === undefined) break
        const reason = yield* this.attempt(parcel)
        if (reason === undefined || reason.isFinal) {
          if (reason !== undefined) this.lost(parcel, reason.text)
          line.parcels.shift()
          this.size--
          failures = 0
          // One that is not removed is sent again by the next life, and known over there.
          this.writer.add([{ address: parcel.key, state: undefined }], () => undefined)
          continue
        }
        yield* Effect.sleep(
          Math.min(Limits.outgoingRetryMsMax, Limits.outgoingRetryMsMin * 2 ** Math.min(failures++, 20))
        )
      }
      this.lines.delete(line.to)
    })
  }

  /** Sends a message once. Why it was not taken; undefined when it was. */
  private attempt(parcel: Parcel.Parcel): Effect.Effect<Problem | undefined> {
    const ageMs = this.kernel.nowMs() - parcel.stored.timeMs
    const asked = Effect.flatMap(this.envelope(parcel), (envelope) => this.kernel.router.delivery!.ask(envelope))
    const within = Effect.timeoutOrElse(asked, {
      duration: Limits.outgoingAnswerMs,
      orElse: () => Effect.succeed<Outcome>({ _tag: "Refused", error: undefined })
    })
    return Effect.match(within, {
      onFailure: (error): Problem => ({ text: error.message, isFinal: error._tag === "EnvelopeMalformed" }),
      onSuccess: problemOf
    }).pipe(
      Effect.map((problem) =>
        problem !== undefined && ageMs > Limits.outgoingMsMax
          ? { text: `no node took it for ${Math.floor(ageMs / 86_400_000)} days: ${problem.text}`, isFinal: true }
          : problem
      )
    )
  }

  private envelope({ stored, to }: Parcel.Parcel): Effect.Effect<Envelope, DeliveryError> {
    const { router } = this.kernel
    const address = addressOf(to)
    return Effect.map(router.delivery!.realmOf(address.realm), (realm) => ({
      version: 1,
      id: { stream: stored.stream, sequence: stored.sequence },
      kind: "ask",
      to: { ...address, realm },
      ...(stored.from === undefined ? {} : { from: addressOf(router.absoluteText(stored.from)) }),
      message: stored.message,
      payload: stored.payload,
      answer: "stored",
      deadlineMs: Limits.outgoingAnswerMs
    }))
  }

  private lost({ stored, to }: Parcel.Parcel, reason: string): void {
    this.kernel.deadLetter(to, stored.message, reason)
  }

  // ---------------------------------------------------------------- earlier lives

  /** Finds what earlier lives left, and begins to send. Once, when the way to other nodes is there. */
  readonly recover: Effect.Effect<void> = Effect.suspend(() => {
    const lost = (to: string, reason: string) => this.kernel.deadLetter(to, "(unknown)", reason)
    const again: Effect.Effect<Array<Parcel.Parcel>> = Effect.catch(
      Effect.suspend(() => Parcel.scan(this.storage, this.life.number, lost)),
      () => Effect.andThen(Effect.sleep(Limits.letterRetryMs), again)
    )
    return Effect.map(again, (found) => {
      const older = new Map<string, Array<Parcel.Parcel>>()
      for (const parcel of found) {
        const parcels = older.get(parcel.to)
        if (parcels === undefined) older.set(parcel.to, [parcel])
        else parcels.push(parcel)
      }
      for (const [to, parcels] of older) this.lineOf(to).parcels.unshift(...parcels)
      this.size += found.length
      this.isRecovered = true
      for (const line of Array.from(this.lines.values())) this.start(line)
    })
  })
}

interface Problem {
  readonly text: string
  /** Whether to send it again is of no use. */
  readonly isFinal: boolean
}

const decodeRefusal = Schema.decodeUnknownOption(Schema.Union([...ActorError.members, NotExposed]))

/** What the other node says of a message. What may change there (it starts, makes room, learns the type) is no final answer. */
const problemOf = (outcome: Outcome): Problem | undefined => {
  if (outcome._tag === "Replied") return undefined
  // A node that has no durable mailbox for it let a handler answer.
  if (outcome._tag === "Failed") return { text: "its handler failed, and a tell has no asker", isFinal: true }
  const decoded = decodeRefusal(outcome.error)
  if (decoded._tag === "None") return { text: "the other node did not answer in time", isFinal: false }
  const { _tag: tag, message } = decoded.value
  const isFinal = tag === "PayloadMalformed" || tag === "NotExposed" || tag === "TooOld" || tag === "ActorFailed"
  return { text: message, isFinal }
}

const addressOf = (text: string): Address.Address => {
  const address = Address.parseParts(text)
  if (typeof address === "string") throw new Error(`${text} is not an address: ${address}`)
  return address
}
