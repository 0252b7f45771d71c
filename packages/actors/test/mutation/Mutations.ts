/**
 * One fault for each promise of the runtime: a small change of a source file that breaks it, and the tests that must notice. A promise
 * whose fault passes all tests is not defended by them.
 */
export interface Mutation {
  /** The promise that it breaks. */
  readonly breaks: string
  /** A file of `src`, and in it a text that stands there once, and what takes its place. */
  readonly file: string
  readonly from: string
  readonly to: string
  /** Files of `test`, and which of their tests. */
  readonly tests: ReadonlyArray<string>
  readonly only?: string
}

const simulation = "testing/Simulation.test.ts"

export const mutations: ReadonlyArray<Mutation> = [
  {
    breaks: "no acknowledged write is lost",
    file: "GroupCommit.ts",
    from: 'const early = ack === "committed" ? parts : parts.filter(({ cell }) => cell.type.definition.ack === "committed")',
    to: "const early = parts",
    tests: [simulation],
    only: "accounts under fire"
  },
  {
    breaks: "no acknowledged event is lost",
    file: "ActorType.ts",
    from: "for (const record of records) writes.push(record)",
    to: "for (const record of records.slice(1)) writes.push(record)",
    tests: [simulation],
    only: "journals under fire"
  },
  {
    breaks: "at most one live activation per address and epoch",
    file: "LeaseHome.ts",
    from: "if (found?.epoch !== away.lease.epoch) return yield* this.takeBack(away)",
    to: "if (found?.epoch !== away.lease.epoch || found.remainingMs < found.ttlMs * 0.8) return yield* this.takeBack(away)",
    tests: [simulation],
    only: "lent under fire"
  },
  {
    breaks: "a writer of an older epoch is fenced",
    file: "LeaseAnswers.ts",
    from: "return loan?.lease.epoch === epoch && loan.lease.holder === realm ? loan : undefined",
    to: "return epoch > 0 && loan?.lease.holder === realm ? loan : undefined",
    tests: ["Migration.test.ts", simulation],
    only: "fenced|lent"
  },
  {
    breaks: "the messages of a sender are handled in order",
    file: "Mailbox.ts",
    from: "for (const message of messages.toReversed()) rest.unshift(message)",
    to: "for (const message of messages) rest.unshift(message)",
    tests: ["Mailbox.test.ts"]
  },
  {
    breaks: "the messages of a sender arrive in order on another node",
    file: "testing/SimulationNetwork.ts",
    from: "line.splice(place, 0, task)",
    to: "line.unshift(task)",
    tests: ["testing/SimulationNetwork.test.ts"]
  },
  {
    breaks: "a state that was taken back is not stored: an effect counts once",
    file: "HeldAnswers.ts",
    from: "this.cell.answer(message, answerIsReply, answer)",
    to: "this.cell.answer(message, true, answer)",
    tests: ["Actor.test.ts", "ActorCell.test.ts", "Journal.test.ts", "GroupCommit.test.ts", simulation]
  },
  {
    breaks: "snapshot and replay give the live state",
    file: "JournalRecords.ts",
    from: "for (let sequence = from + 1; sequence <= position.sequence - keep; sequence++) {",
    to: "for (let sequence = from + 1; sequence <= position.sequence + 1 - keep; sequence++) {",
    tests: ["Journal.test.ts", simulation],
    only: "journal|replays"
  },
  {
    breaks: "events are replayed once",
    file: "JournalRecords.ts",
    from: "current = deepFreeze(journal.apply(current, value))",
    to: "current = deepFreeze(journal.apply(journal.apply(current, value), value))",
    tests: ["Journal.test.ts"]
  },
  {
    breaks: "restarts are bounded by intensity",
    file: "Supervisor.ts",
    from: "if (earlier >= strategy.intensity) {",
    to: "if (earlier > strategy.intensity) {",
    tests: ["Supervisor.test.ts", simulation],
    only: "restart|accounted"
  },
  {
    breaks: "waiting is within the computed bound",
    file: "RunLevels.ts",
    from: "if (until < bestUntil || (until === bestUntil && level.weight > best!.weight)) {",
    to: "if (best === undefined || level.weight > best.weight) {",
    tests: ["RunQueue.test.ts"]
  },
  {
    breaks: "whoever waits for a turn becomes the best in time",
    file: "thoughtstream/Ageing.ts",
    from: "Math.min(255, priority + Math.max(0, readyMs) / 1_000)",
    to: "Math.min(255, priority + Math.max(0, readyMs) / 10_000)",
    tests: ["thoughtstream/ThoughtStream.test.ts", "thoughtstream/Ageing.test.ts"]
  },
  {
    breaks: "a turn whose actor dies is freed and the next is served",
    file: "thoughtstream/Turns.ts",
    from: "else if (!this.closeIfEmpty(bidding)) this.decide(bidding, true)",
    to: "else this.closeIfEmpty(bidding)",
    tests: ["thoughtstream/ThoughtStream.test.ts"]
  },
  {
    breaks: "turns keep to the budget",
    file: "thoughtstream/Budget.ts",
    from: "if (this.memoryUsed + need.memoryBytes > this.limits.memoryBytes || need.tokens > this.tokens) return false",
    to: "if (need.tokens > this.tokens) return false",
    tests: ["thoughtstream/Budget.test.ts"]
  },
  {
    breaks: "a mailbox holds no more than its capacity",
    file: "Mailbox.ts",
    from: "if (this.size >= this.capacity) return false",
    to: "if (this.size > this.capacity) return false",
    tests: ["Mailbox.test.ts", simulation],
    only: "bounded|accounts"
  },
  {
    breaks: "the same seed gives the same trace",
    file: "testing/SimulationLoop.ts",
    from: "const at = this.chance.below(this.tasks.length)",
    to: "const at = Math.floor(Math.random() * this.tasks.length)",
    tests: [simulation],
    only: "same trace"
  },
  {
    breaks: "each message is handled, a dead letter or reported",
    file: "ActorCell.ts",
    from: "if (ask === undefined) this.deadLetter(entry, `its handler crashed: ${cause}`)",
    to: "if (ask === undefined) void cause",
    tests: [simulation],
    only: "accounted"
  },
  {
    breaks: "a cancelled timer that waits is not handled",
    file: "Timers.ts",
    from: "if (this.byKey.get(key) !== timer) return state",
    to: "",
    tests: ["Timers.test.ts", "TimersModel.test.ts"]
  },
  {
    breaks: "a periodic timer never has two messages waiting",
    file: "Timers.ts",
    from: "if (!timer.waits) {",
    to: "if (this.byKey.has(timer.key)) {",
    tests: ["Timers.test.ts", "TimersModel.test.ts"]
  },
  {
    breaks: "children behave as OTP's",
    file: "Relations.ts",
    from: 'if (order === "one_for_one") return [child]',
    to: 'if (order !== "rest_for_one") return [child]',
    tests: ["Relations.test.ts"]
  },
  {
    breaks: "a stream ends where it runs when its reader leaves",
    file: "ReplyStreams.ts",
    from: "if (!this.flows.delete(flow)) return\n    flow.fiber?.interruptUnsafe()",
    to: "if (!this.flows.delete(flow)) return",
    tests: ["ReplyStreams.test.ts", simulation],
    only: "ends when its asker|streams"
  }
]
