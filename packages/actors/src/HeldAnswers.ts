/**
 * The answers of one actor that wait until one transaction is stored, in the order in which its messages were handled. A list with its
 * links in the messages: most hold one answer, and one is made for every write.
 */
import type { ActorCell } from "./ActorCell.ts"
import type { Durable } from "./GroupCommit.ts"
import type { Message } from "./Message.ts"

export class HeldAnswers {
  readonly cell: ActorCell
  readonly durable: Durable
  private first: Message | undefined
  private last: Message | undefined

  constructor(cell: ActorCell, durable: Durable) {
    this.cell = cell
    this.durable = durable
    this.first = undefined
    this.last = undefined
  }

  /** Adds the answer of a message: a reply, or an expected error. */
  add(message: Message, isReply: boolean, answer: unknown): void {
    message.isHeld = true
    message.answerIsReply = isReply
    message.answer = answer
    if (this.last === undefined) this.first = message
    else this.last.nextHeld = message
    this.last = message
  }

  /** Lets the answers leave: what they may be based on is stored. Those that come meanwhile wait on. */
  letGo(): void {
    let message = this.detach()
    while (message !== undefined) {
      const { answer, answerIsReply, nextHeld } = message
      message.nextHeld = undefined
      this.cell.answer(message, answerIsReply, answer)
      this.cell.kernel.reuseHeld(message)
      message = nextHeld
    }
  }

  /** Removes the messages, oldest first. */
  take(): Array<Message> {
    const messages: Array<Message> = []
    for (let message = this.detach(); message !== undefined; message = message.nextHeld) messages.push(message)
    return messages
  }

  private detach(): Message | undefined {
    const { first } = this
    this.first = undefined
    this.last = undefined
    return first
  }
}
