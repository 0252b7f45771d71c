/**
 * The letters of all actors that are stored and not done, in memory, and how they get to their actors: in the order of their keys, into
 * the mailbox of an actor that is active, or when it begins.
 *
 * A letter is done when its handler has ended, failed or crashed; the last two make it a dead letter. One whose handling was cut
 * short (the actor stopped or was restarted, the storage refused its state) is handled again when the actor is back.
 */
import { Effect } from "effect"
import type { Entry } from "./Actor.ts"
import type { ActorCell } from "./ActorCell.ts"
import type { ActorError } from "./ActorError.ts"
import type { ActorStorage, StorageFailed } from "./ActorStorage.ts"
import type { ActorType } from "./ActorType.ts"
import type { Kernel } from "./Kernel.ts"
import * as Letter from "./Letter.ts"
import * as Limits from "./Limits.ts"
import type { Waiting } from "./Mailbox.ts"
import type { RecordWriter } from "./RecordWriter.ts"

/** The letters to one actor, by their keys and in the order of them. */
class Box {
  readonly letters = new Map<string, Letter.Letter>()
  /** Those that were handled before in vain. */
  troubled = 0
}

export class Letterboxes implements Letter.Owner {
  /** Of all letters, also of those on their way to the storage. */
  bytes: number
  private readonly kernel: Kernel
  private readonly storage: ActorStorage["Service"]
  private readonly writer: RecordWriter
  /** By address. */
  private readonly boxes: Map<string, Box>
  /** Letters on their way to the storage, by address. */
  private readonly coming: Map<string, number>
  /** Types whose letters may not be handed over yet, with those who wait for that. */
  private readonly held: Map<ActorType, Array<() => void>>

  constructor(kernel: Kernel, storage: ActorStorage["Service"], writer: RecordWriter) {
    this.bytes = 0
    this.kernel = kernel
    this.storage = storage
    this.writer = writer
    this.boxes = new Map()
    this.coming = new Map()
    this.held = new Map()
  }

  /** Letters to an actor that are stored and not done. */
  count(address: string): number {
    return this.boxes.get(address)?.letters.size ?? 0
  }

  /** Whether there is no room for one more letter to an actor that may have `capacity`. */
  isFull(address: string, capacity: number): boolean {
    return this.count(address) + (this.coming.get(address) ?? 0) >= capacity || this.bytes >= Limits.lettersBytesMax
  }

  /** Names of those that wait for their actor to start, oldest first. */
  names(address: string, max: number): Array<string> {
    return this.waiting(address)
      .slice(0, max)
      .map(({ entry }) => entry.name)
  }

  /** Those that wait for their actor to start. */
  private waiting(address: string): Array<Letter.Letter> {
    return this.of(address).filter(({ isTaken }) => !isTaken)
  }

  private of(address: string): Array<Letter.Letter> {
    return [...(this.boxes.get(address)?.letters.values() ?? [])]
  }

  // ---------------------------------------------------------------- coming in

  /** A letter is on its way to the storage, and takes room from now on. */
  comes({ address, bytes }: Letter.Letter): void {
    this.coming.set(address, (this.coming.get(address) ?? 0) + 1)
    this.bytes += bytes
  }

  /** It was stored or refused: `add` counts it, or nothing does. */
  came({ address, bytes }: Letter.Letter): void {
    const others = this.coming.get(address)! - 1
    if (others > 0) this.coming.set(address, others)
    else this.coming.delete(address)
    this.bytes -= bytes
  }

  /** A letter was stored just now. */
  add(letter: Letter.Letter): void {
    const { address, type } = letter
    const box = this.boxes.get(address) ?? new Box()
    this.boxes.set(address, box)
    box.letters.set(letter.key, letter)
    this.bytes += letter.bytes
    // An actor that is active has all before, and one that begins gets all.
    if (box.troubled > 0) this.advance(type, address)
    else if (this.mayHandOver(type)) this.handOver(letter)
  }

  /** Letters of earlier lives, in the order of their keys: they go before those of this one. */
  addOlder(letters: ReadonlyArray<Letter.Letter>): void {
    const older = new Map<string, Box>()
    for (const letter of letters) {
      const box = older.get(letter.address) ?? new Box()
      older.set(letter.address, box)
      box.letters.set(letter.key, letter)
      this.bytes += letter.bytes
    }
    for (const [address, box] of older) {
      for (const letter of this.of(address)) box.letters.set(letter.key, letter)
      this.boxes.set(address, box)
    }
  }

  /** Hands none over to the actors of a type, until `release`. */
  hold(type: ActorType): void {
    this.held.set(type, [])
  }

  release(type: ActorType): void {
    const waiting = this.held.get(type) ?? []
    this.held.delete(type)
    for (const resume of waiting) resume()
    for (const [address, { letters }] of Array.from(this.boxes)) {
      const [first] = letters.values()
      if (first?.type === type) this.advance(type, address)
    }
  }

  // ---------------------------------------------------------------- handing over

  private mayHandOver(type: ActorType): boolean {
    return !this.held.has(type) && !this.kernel.stopping
  }

  /** Gives an actor the letters that wait for it. O(its letters). */
  private advance(type: ActorType, address: string): void {
    if (!this.mayHandOver(type)) return
    for (const letter of this.next(address)) if (!this.handOver(letter)) return
  }

  /** Gives an actor a letter, which brings it into memory. False: not now, and none behind it either. */
  private handOver(letter: Letter.Letter): boolean {
    const { address, name, type } = letter
    const cell = type.cell(name)
    if (cell === undefined) {
      this.later(() => this.advance(type, address))
      return false
    }
    if (cell.gone === "unknown") this.lost(letter, this.kernel.unknown(address).message)
    else if (isStarting(cell)) return false
    else if (!letter.isTaken) take(cell, letter)
    return true
  }

  /** The letters that an actor may have now, oldest first. One that made it fail before is handled alone: no other one suffers for it. */
  private next(address: string): Array<Letter.Letter> {
    const next: Array<Letter.Letter> = []
    let isFirst = true
    for (const letter of this.boxes.get(address)?.letters.values() ?? []) {
      if (letter.attempts > 0 && !isFirst) break
      if (!letter.isTaken) next.push(letter)
      if (letter.attempts > 0) break
      isFirst = false
    }
    return next
  }

  /**
   * An actor is about to begin: letters that are held back go before what comes now; and whether those of a transaction that failed are
   * still stored can be seen now.
   */
  resume(cell: ActorCell): Effect.Effect<void, StorageFailed> {
    return Effect.gen({ self: this }, function* () {
      const waiting = this.held.get(cell.type)
      if (waiting !== undefined) {
        yield* Effect.callback<void>((resume) => void waiting.push(() => resume(Effect.void)))
      }
      for (const letter of this.waiting(cell.address)) {
        if (letter.isUnsure && !(yield* this.isStored(letter.key))) this.remove(letter)
        letter.isUnsure = false
      }
    })
  }

  private isStored(key: string): Effect.Effect<boolean, StorageFailed> {
    return this.storage.load(key).pipe(
      Effect.map((bytes) => bytes !== undefined),
      Effect.catchTag("RecordQuarantined", () => Effect.succeed(true))
    )
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

  /** An actor has left memory by its own wish: what waits for it brings it back. */
  left({ address, type }: ActorCell): void {
    this.advance(type, address)
  }

  // ---------------------------------------------------------------- going out

  handled(letter: Letter.Letter): void {
    this.remove(letter)
  }

  returned(letter: Letter.Letter, error: ActorError): void {
    if (error._tag === "AddressUnknown") return this.lost(letter, error.message)
    letter.isTaken = false
    if (error._tag === "StateNotStored") letter.isUnsure = true
    if (error._tag !== "ActorFailed") return
    const box = this.boxes.get(letter.address)
    if (++letter.attempts === 1 && box !== undefined) box.troubled++
    if (letter.attempts >= Limits.letterAttemptsMax)
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

  /** The records of an actor's letters are gone: those that waited are dead letters. */
  drop(address: string, reason: string): void {
    for (const letter of this.of(address)) this.end(letter, reason)
  }

  private remove(letter: Letter.Letter): void {
    const { address } = letter
    const box = this.boxes.get(address)
    if (box?.letters.delete(letter.key) !== true) return
    this.bytes -= letter.bytes
    const wasTroubled = box.troubled > 0
    if (letter.attempts > 0) box.troubled--
    if (box.letters.size === 0) this.boxes.delete(address)
    // Those at and behind a troubled one were held back.
    else if (wasTroubled) this.advance(letter.type, address)
  }

  private end(letter: Letter.Letter, reason: string): void {
    this.kernel.deadLetter(letter.address, letter.entry.name, reason)
    this.remove(letter)
  }

  private later(task: () => void): void {
    const { alarm } = this.kernel
    alarm.set(this.kernel.nowMs() + Limits.letterRetryMs, task)
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
