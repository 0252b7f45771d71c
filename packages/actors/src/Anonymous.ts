/**
 * The actors of one type that have no name of their own: known by their refs alone, until someone asks for their address.
 *
 * They are a list, oldest first, with its links in the actors themselves, so that one comes and goes in O(1) and costs no entry in a
 * table. A name is made when it is needed for an address; from then on the actor is found by it too. No other actor ever has that name,
 * in this process or a later one.
 */
import type { ActorCell } from "./ActorCell.ts"

const namePattern = /^~[0-9a-z]+-[0-9a-z]+$/

export class Anonymous {
  private readonly prefix: string
  private named: number
  private first: ActorCell | undefined
  private last: ActorCell | undefined

  /** `startedAtMs`: of the system; it tells names of one process from those of the next. */
  constructor(startedAtMs: number) {
    this.prefix = `~${startedAtMs.toString(36)}-`
    this.named = 0
    this.first = undefined
    this.last = undefined
  }

  add(cell: ActorCell): void {
    const { last } = this
    cell.previous = last
    if (last === undefined) this.first = cell
    else last.next = cell
    this.last = cell
  }

  remove(cell: ActorCell): void {
    const { next, previous } = cell
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.last = previous
    else next.previous = previous
    cell.previous = undefined
    cell.next = undefined
  }

  /** A name that no other actor has. */
  nextName(): string {
    return `${this.prefix}${(this.named++).toString(36)}`
  }

  /** Whether this is the name of such an actor, of this process or another: nobody is activated by it. Others may begin with `~`, too. */
  static isName(name: string): boolean {
    return name.startsWith("~") && namePattern.test(name)
  }

  *[Symbol.iterator](): IterableIterator<ActorCell> {
    for (let cell = this.first; cell !== undefined;) {
      // It may leave while it is looked at.
      const { next } = cell
      yield cell
      cell = next
    }
  }
}
