/**
 * The durable mailboxes of a system. A message (a letter) is stored before its sender hears of it, goes to its actor in the order of
 * sending, and is removed in the transaction that stores what its handler did: so its effect on the state is there once, whatever
 * crashes in between. Letters that a life of the system leaves are found by the next, and bring their actors back.
 *
 * A letter is done when its handler has ended, failed or crashed; the last two make it a dead letter. One whose handling was cut
 * short (the actor stopped or was restarted, the storage refused its state) is handled again when the actor is back.
 */
import { Effect, Result, Stream } from "effect"
import type { Entry } from "./Actor.ts"
import type { ActorCell } from "./ActorCell.ts"
import {
  type ActorError,
  type ActorStopped,
  MailboxFull,
  OutboxFull,
  type PayloadMalformed,
  StateNotStored
} from "./ActorError.ts"
import type { ActorStorage, StorageFailed, Write } from "./ActorStorage.ts"
import type { ActorType } from "./ActorType.ts"
import { Anonymous } from "./Anonymous.ts"
import { Dedupe } from "./Dedupe.ts"
import { deepFreeze } from "./Freeze.ts"
import type { Kernel } from "./Kernel.ts"
import * as Letter from "./Letter.ts"
import * as Limits from "./Limits.ts"
import type { Waiting } from "./Mailbox.ts"
import { isTransaction, type Message } from "./Message.ts"
import type { PostLife } from "./PostLife.ts"
import * as PostRecovery from "./PostRecovery.ts"
import { RecordWriter } from "./RecordWriter.ts"

type Letters = Map<string, Letter.Letter>

/** A letter that is not stored yet, and what stores it. */
export interface Draft {
  readonly letter: Letter.Letter
  readonly writes: ReadonlyArray<Write>
}

/** Why there is no letter. */
export type DraftError = PayloadMalformed | MailboxFull | ActorStopped

export class Post implements Letter.Owner {
  readonly writer: RecordWriter
  readonly dedupe: Dedupe
  private readonly kernel: Kernel
  private readonly life: PostLife
  /** Stored letters that are not done, by address and key, in the order of their keys. */
  private readonly boxes: Map<string, Letters>
  /** Types whose letters of earlier lives are not found yet, with those who wait for that. */
  private readonly recovering: Map<ActorType, Array<() => void>>
  private bytes: number
  private number: number

  constructor(kernel: Kernel, storage: ActorStorage["Service"], life: PostLife) {
    this.kernel = kernel
    this.life = life
    this.writer = new RecordWriter({ storage, fork: (effect) => kernel.forkBackground(effect) })
    this.dedupe = new Dedupe(storage, kernel.nowMs)
    this.boxes = new Map()
    this.recovering = new Map()
    this.bytes = 0
    this.number = 0
  }

  private get storage(): ActorStorage["Service"] {
    return this.kernel.storage!
  }

  /** Letters to an actor that are stored and not done. */
  count(address: string): number {
    return this.boxes.get(address)?.size ?? 0
  }

  /** Names of those that wait for their actor to start, oldest first. */
  names(address: string, max: number): Array<string> {
    return this.waiting(address)
      .slice(0, max)
      .map(({ entry }) => entry.name)
  }

  /** Those that wait for their actor to start. */
  private waiting(address: string): Array<Letter.Letter> {
    return [...(this.boxes.get(address)?.values() ?? [])].filter(({ isTaken }) => !isTaken)
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

  /** A letter that can be stored, or why there is none. */
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
    if (this.count(address) >= capacity || this.bytes >= Limits.lettersBytesMax)
      return Result.fail(new MailboxFull({ address, capacity }))
    return Result.map(Letter.seal(address, entry, payload), (bytes) => {
      const letter = this.letterOf(Letter.keyOf(address, this.life.number, this.number++), {
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
      this.writer.add([...writes, ...more], (error) => {
        if (error !== undefined) {
          const reason = `the message could not be stored: ${error.reason}`
          return resume(Effect.fail(new StateNotStored({ address: addressOf(letter), reason })))
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
      return new OutboxFull({ address: addressOf(letter), capacity: Limits.lettersPerMessageMax })
    const slot = { offer: () => this.accept(letter), deadLetter: () => undefined }
    outbox.push({ cell: slot, entry: letter.entry, payload: letter.payload, records: writes })
    return undefined
  }

  /** A letter is stored. */
  private accept(letter: Letter.Letter): undefined {
    this.life.isStored = true
    this.bytes += letter.bytes
    this.boxOf(addressOf(letter)).set(letter.key, letter)
    this.advance(letter.type, addressOf(letter))
    return undefined
  }

  private boxOf(address: string): Letters {
    const box = this.boxes.get(address) ?? new Map<string, Letter.Letter>()
    this.boxes.set(address, box)
    return box
  }

  private letterOf(
    key: string,
    parts: Pick<Letter.Letter, "type" | "name" | "entry" | "payload" | "bytes">
  ): Letter.Letter {
    const letter: Letter.Letter = {
      key,
      ...parts,
      ask: undefined as unknown as Letter.LetterAsk,
      isTaken: false,
      isUnsure: false,
      attempts: 0,
      spanned: undefined
    }
    return Object.assign(letter, { ask: new Letter.LetterAsk(letter, this) })
  }

  // ---------------------------------------------------------------- delivery

  /** Gives an actor the letters that wait for it, which brings it into memory. */
  private advance(type: ActorType, address: string): void {
    if (this.recovering.has(type) || this.kernel.stopping) return
    for (const letter of this.next(address)) {
      const cell = type.cell(letter.name)
      if (cell === undefined) return this.later(() => this.advance(type, address))
      if (cell.gone === "unknown") this.lost(letter, this.kernel.unknown(address).message)
      else if (isStarting(cell)) return
      else if (!letter.isTaken) take(cell, letter)
    }
  }

  /** The letters that an actor may have now, oldest first. One that made it fail before is handled alone: no other one suffers for it. */
  private next(address: string): Array<Letter.Letter> {
    const next: Array<Letter.Letter> = []
    let isFirst = true
    for (const letter of this.boxes.get(address)?.values() ?? []) {
      if (letter.attempts > 0 && !isFirst) break
      if (!letter.isTaken) next.push(letter)
      if (letter.attempts > 0) break
      isFirst = false
    }
    return next
  }

  /**
   * An actor is about to begin: letters of earlier lives have to be found first, since they go before what comes now; and whether those
   * of a transaction that failed are still there can be seen now.
   */
  resume(cell: ActorCell): Effect.Effect<void, StorageFailed> {
    return Effect.gen({ self: this }, function* () {
      const waiting = this.recovering.get(cell.type)
      if (waiting !== undefined) {
        yield* Effect.callback<void>((resume) => void waiting.push(() => resume(Effect.void)))
      }
      for (const letter of this.waiting(cell.address)) {
        if (letter.isUnsure && !(yield* this.isStored(letter.key))) this.remove(letter)
        letter.isUnsure = false
      }
    })
  }

  /** An actor has its state and begins: it gets what waits for it, in order with what is in its mailbox already. */
  begin(cell: ActorCell): void {
    if (this.waiting(cell.address).length === 0) return
    const others: Array<Waiting> = []
    while (cell.size > 0) {
      const { ask, entry, payload } = cell
      cell.drop()
      if (ask instanceof Letter.LetterAsk) untake(ask.letter, entry)
      else others.push({ ask, entry, payload })
    }
    for (const letter of this.next(cell.address)) take(cell, letter)
    for (const { ask, entry, payload } of others) cell.add(entry, payload, ask)
  }

  private isStored(key: string): Effect.Effect<boolean, StorageFailed> {
    return this.storage.load(key).pipe(
      Effect.map((bytes) => bytes !== undefined),
      Effect.catchTag("RecordQuarantined", () => Effect.succeed(true))
    )
  }

  handled(letter: Letter.Letter): void {
    this.remove(letter)
  }

  returned(letter: Letter.Letter, error: ActorError): void {
    if (error._tag === "AddressUnknown") return this.lost(letter, error.message)
    letter.isTaken = false
    if (error._tag === "StateNotStored") letter.isUnsure = true
    if (error._tag === "ActorFailed" && ++letter.attempts >= Limits.letterAttemptsMax)
      this.lost(letter, `its handling was cut short ${letter.attempts} times, at last so: ${error.message}`)
  }

  /** Removes a letter that no handler's transaction removes. */
  lost(letter: Letter.Letter, reason: string): void {
    letter.isTaken = true
    const removal = (): void =>
      this.writer.add([Letter.removalOf(letter)], (error) => {
        if (error === undefined) return this.end(letter, reason)
        if (!this.kernel.stopping) this.later(removal)
      })
    removal()
  }

  private later(task: () => void): void {
    const { alarm } = this.kernel
    alarm.set(this.kernel.nowMs() + Limits.letterRetryMs, task)
  }

  private remove(letter: Letter.Letter): void {
    const address = addressOf(letter)
    const box = this.boxes.get(address)
    if (box?.delete(letter.key) !== true) return
    this.bytes -= letter.bytes
    if (box.size === 0) this.boxes.delete(address)
    else if (letter.attempts > 0) this.advance(letter.type, address)
  }

  private end(letter: Letter.Letter, reason: string): void {
    this.kernel.deadLetter(addressOf(letter), letter.entry.name, reason)
    this.remove(letter)
  }

  // ---------------------------------------------------------------- earlier lives

  /** Finds the letters that earlier lives left for the actors of a type; they go before those of this one. */
  recover(type: ActorType): void {
    const waiting: Array<() => void> = []
    this.recovering.set(type, waiting)
    const again: Effect.Effect<void> = Effect.catch(
      Effect.suspend(() => this.scan(type)),
      () => Effect.andThen(Effect.sleep(Limits.letterRetryMs), again)
    )
    const finish = Effect.sync(() => {
      this.recovering.delete(type)
      for (const resume of waiting) resume()
      for (const [address, box] of Array.from(this.boxes)) {
        const [first] = box.values()
        if (first?.type === type) this.advance(type, address)
      }
    })
    this.kernel.forkBackground(Effect.andThen(again, finish))
  }

  private scan(type: ActorType): Effect.Effect<void, StorageFailed> {
    const lost = (address: string, reason: string) => this.kernel.deadLetter(address, "(unknown)", reason)
    const found = Stream.runCollect(PostRecovery.scan(this.storage, type, this.life.number, lost))
    return Effect.map(found, (found) => {
      const older = new Map<string, Letters>()
      for (const { key, ...parts } of found) {
        const letter = this.letterOf(key, parts)
        const address = addressOf(letter)
        const letters = older.get(address) ?? new Map<string, Letter.Letter>()
        older.set(address, letters.set(key, letter))
        this.bytes += letter.bytes
      }
      for (const [address, letters] of older)
        this.boxes.set(address, new Map([...letters, ...(this.boxes.get(address) ?? [])]))
    })
  }

  /** Deletes the letters of an actor, and what is known of those it took. Those that waited are dead letters. */
  forget(address: string): Effect.Effect<void, StorageFailed> {
    return Effect.gen({ self: this }, function* () {
      yield* PostRecovery.removeAll(this.storage, Letter.prefixOf(address))
      for (const letter of Array.from(this.boxes.get(address)?.values() ?? []))
        this.end(letter, "its actor was forgotten")
      yield* this.dedupe.forget(address)
    })
  }
}

/** Whether it takes letters only when it begins. */
const isStarting = ({ phase }: ActorCell): boolean =>
  phase === "starting" || phase === "restarting" || phase === "stopped" || phase === "stopping"

const take = (cell: ActorCell, letter: Letter.Letter): void => {
  const entry = letter.spanned ?? letter.entry
  letter.spanned = undefined
  letter.isTaken = true
  cell.take(entry, letter.payload, letter.ask)
}

const untake = (letter: Letter.Letter, entry: Entry): void => {
  letter.spanned = entry
  letter.isTaken = false
}

const addressOf = ({ name, type }: Letter.Letter): string => type.address(name)
