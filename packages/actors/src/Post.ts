/**
 * The durable mailboxes of a system. A message (a letter) is stored before its sender hears of it, goes to its actor in the order of
 * sending, and is removed in the transaction that stores what its handler did: so its effect on the state is there once, whatever
 * crashes in between. Letters that a life of the system leaves are found by the next, and bring their actors back.
 */
import { Effect, Result, Stream } from "effect"
import type { Entry } from "./Actor.ts"
import { type ActorStopped, MailboxFull, OutboxFull, type PayloadMalformed, StateNotStored } from "./ActorError.ts"
import type { ActorStorage, StorageFailed, Write } from "./ActorStorage.ts"
import type { ActorType } from "./ActorType.ts"
import { Anonymous } from "./Anonymous.ts"
import { Dedupe } from "./Dedupe.ts"
import { deepFreeze } from "./Freeze.ts"
import type { Kernel } from "./Kernel.ts"
import * as Letter from "./Letter.ts"
import { Letterboxes } from "./Letterboxes.ts"
import * as Limits from "./Limits.ts"
import { isTransaction, type Message } from "./Message.ts"
import type { PostLife } from "./PostLife.ts"
import * as PostRecovery from "./PostRecovery.ts"
import { RecordWriter } from "./RecordWriter.ts"

/** A letter that is not stored yet, and what stores it. */
export interface Draft {
  readonly letter: Letter.Letter
  readonly writes: ReadonlyArray<Write>
}

/** Why there is no letter. */
export type DraftError = PayloadMalformed | MailboxFull | ActorStopped

export class Post {
  readonly writer: RecordWriter
  readonly dedupe: Dedupe
  readonly boxes: Letterboxes
  private readonly kernel: Kernel
  private readonly storage: ActorStorage["Service"]
  private readonly life: PostLife
  private number: number

  constructor(kernel: Kernel, storage: ActorStorage["Service"], life: PostLife) {
    this.kernel = kernel
    this.storage = storage
    this.life = life
    this.writer = new RecordWriter({ storage, fork: (effect) => kernel.forkBackground(effect) })
    this.dedupe = new Dedupe(storage, kernel.nowMs)
    this.boxes = new Letterboxes(kernel, storage, this.writer)
    this.number = 0
  }

  // ---------------------------------------------------------------- sending

  /** Sends a tell, or says why it could not. What goes wrong when it is stored in the background makes it a dead letter. */
  tell(
    type: ActorType,
    name: string,
    entry: Entry,
    payload: unknown,
    sender: Message | undefined
  ): DraftError | OutboxFull | undefined {
    const draft = this.draft(type, name, entry, payload, sender)
    if (Result.isFailure(draft)) return draft.failure
    if (sender !== undefined && isTransaction(sender)) return this.sendWith(sender, draft.success)
    this.kernel.forkBackground(
      Effect.catch(this.send(draft.success), (error) =>
        Effect.sync(() => this.kernel.deadLetter(type.address(name), entry.name, error.message))
      )
    )
    return undefined
  }

  /** The same, done once it is stored; in a handler of a durable actor at once, since it is stored with what that handler does. */
  tellEffect(
    type: ActorType,
    name: string,
    entry: Entry,
    payload: unknown,
    sender: Message | undefined
  ): Effect.Effect<void, DraftError | OutboxFull | StateNotStored> {
    const draft = this.draft(type, name, entry, payload, sender)
    if (Result.isFailure(draft)) return Effect.fail(draft.failure)
    if (sender === undefined || !isTransaction(sender)) return this.send(draft.success)
    const refused = this.sendWith(sender, draft.success)
    return refused === undefined ? Effect.void : Effect.fail(refused)
  }

  /**
   * A letter that can be stored, or why there is none. Those on their way to the storage count towards the limits, but for those of
   * handlers whose transactions are not stored yet: `Limits.lettersPerMessageMax` of each.
   */
  draft(
    type: ActorType,
    name: string,
    entry: Entry,
    payload: unknown,
    sender: Message | undefined
  ): Result.Result<Draft, DraftError> {
    const { freeze, spans } = this.kernel
    // No actor can be activated by such a name, which those without a name get.
    if (Anonymous.isName(name)) return Result.fail(type.whyNot(name))
    if (freeze) deepFreeze(payload)
    const address = type.address(name)
    const capacity = type.definition.mailboxCapacity
    if (this.boxes.isFull(address, capacity)) return Result.fail(new MailboxFull({ address, capacity }))
    return Result.map(Letter.seal(address, entry, payload), (bytes) => {
      const letter = new Letter.Letter(this.boxes, {
        key: Letter.keyOf(address, this.life.number, this.number++),
        type,
        name,
        entry,
        payload,
        bytes: bytes.length
      })
      if (spans !== undefined) letter.spanned = spans.sample(entry, address, sender)
      return { letter, writes: [...this.life.writes(), { address: letter.key, state: bytes }] }
    })
  }

  /** Stores a letter with other records of its sender's, and sends it. */
  send({ letter, writes }: Draft, more: ReadonlyArray<Write> = []): Effect.Effect<void, StateNotStored> {
    return Effect.callback((resume) => {
      this.boxes.comes(letter)
      this.writer.add([...writes, ...more], (error) => {
        this.boxes.came(letter)
        if (error !== undefined) {
          const reason = `the message could not be stored: ${error.reason}`
          return resume(Effect.fail(new StateNotStored({ address: letter.address, reason })))
        }
        this.accept(letter)
        resume(Effect.void)
      })
    })
  }

  /** Sends a letter of a handler once what the handler did is stored, in the same transaction. */
  sendWith(sender: Message, { letter, writes }: Draft): OutboxFull | undefined {
    const outbox = (sender.outbox ??= [])
    if (outbox.length >= Limits.lettersPerMessageMax)
      return new OutboxFull({ address: letter.address, capacity: Limits.lettersPerMessageMax })
    const slot = { offer: () => this.accept(letter), deadLetter: () => undefined }
    outbox.push({ cell: slot, entry: letter.entry, payload: letter.payload, records: writes })
    return undefined
  }

  /** A letter is stored. */
  private accept(letter: Letter.Letter): undefined {
    this.life.isStored = true
    this.boxes.add(letter)
    return undefined
  }

  // ---------------------------------------------------------------- earlier lives

  /** Finds the letters that earlier lives left for the actors of a type; they go before those of this one. */
  recover(type: ActorType): void {
    this.boxes.hold(type)
    const again: Effect.Effect<void> = Effect.catch(
      Effect.suspend(() => this.scan(type)),
      () => Effect.andThen(Effect.sleep(Limits.letterRetryMs), again)
    )
    const finish = Effect.sync(() => this.boxes.release(type))
    this.kernel.forkBackground(Effect.andThen(again, finish))
  }

  private scan(type: ActorType): Effect.Effect<void, StorageFailed> {
    const lost = (address: string, reason: string) => this.kernel.deadLetter(address, "(unknown)", reason)
    const found = Stream.runCollect(PostRecovery.scan(this.storage, type, this.life.number, lost))
    return Effect.map(found, (found) => this.boxes.addOlder(found.map((parts) => new Letter.Letter(this.boxes, parts))))
  }

  /** Deletes the letters of an actor, and what is known of those it took. Those that waited are dead letters. */
  forget(address: string): Effect.Effect<void, StorageFailed> {
    return Effect.gen({ self: this }, function* () {
      yield* PostRecovery.removeAll(this.storage, Letter.prefixOf(address))
      this.boxes.drop(address, "its actor was forgotten")
      yield* this.dedupe.forget(address)
    })
  }
}
