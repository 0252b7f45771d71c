/**
 * What happened to an actor lately, for a person who looks: its last life and message events, in a ring of fixed size. Off unless the
 * system is told otherwise, since each message costs a look at the clock and a small object.
 *
 * A timeline goes by the address, so it outlives restarts and the actor's leaving memory. Beyond `Limits.timelinesMax` of them the
 * oldest is forgotten.
 */
import type { ActorCell } from "./ActorCell.ts"
import * as Limits from "./Limits.ts"
import type { TimelineEvent } from "./rpc.ts"

type What = TimelineEvent["what"]

interface Noted {
  readonly timeMs: number
  readonly what: What
  readonly messageName: string | undefined
  readonly detail: string | undefined
}

export class Timeline {
  /** The oldest one is at `oldest` once the ring is full. */
  readonly events: Array<Noted>
  oldest: number
  cell: ActorCell | undefined

  constructor() {
    this.events = []
    this.oldest = 0
    this.cell = undefined
  }
}

export class Timelines {
  private readonly nowMs: () => number
  private readonly eventsKept: number
  private readonly byAddress: Map<string, Timeline>

  constructor(nowMs: () => number, eventsKept: number) {
    this.nowMs = nowMs
    this.eventsKept = eventsKept
    this.byAddress = new Map()
  }

  /** Something about a message of an actor; nothing while nobody can know the actor's address. */
  message(cell: ActorCell, what: What, messageName: string, detail?: string): void {
    if (cell.isUnnamed) return
    this.add((cell.timeline ??= this.attached(cell)), what, messageName, detail)
  }

  /** Something in the life of an actor or a service. */
  life(address: string, what: What, messageName?: string, detail?: string): void {
    this.add(this.at(address), what, messageName, detail)
  }

  /** Oldest first. */
  of(address: string): ReadonlyArray<TimelineEvent> {
    const timeline = this.byAddress.get(address)
    if (timeline === undefined) return []
    const { events, oldest } = timeline
    return [...events.slice(oldest), ...events.slice(0, oldest)].map(({ detail, messageName, timeMs, what }) => ({
      time: new Date(timeMs).toISOString(),
      what,
      ...(messageName === undefined ? {} : { messageName }),
      ...(detail === undefined ? {} : { detail })
    }))
  }

  private add(timeline: Timeline, what: What, messageName?: string, detail?: string): void {
    const { events, oldest } = timeline
    const noted = {
      timeMs: this.nowMs(),
      what,
      messageName,
      detail: detail?.slice(0, Limits.timelineDetailCharactersMax)
    }
    if (events.length < this.eventsKept) events.push(noted)
    else {
      events[oldest] = noted
      timeline.oldest = (oldest + 1) % this.eventsKept
    }
  }

  private attached(cell: ActorCell): Timeline {
    const timeline = this.at(cell.address)
    timeline.cell = cell
    return timeline
  }

  private at(address: string): Timeline {
    const known = this.byAddress.get(address)
    if (known !== undefined) return known
    if (this.byAddress.size >= Limits.timelinesMax) this.forgetOldest()
    const timeline = new Timeline()
    this.byAddress.set(address, timeline)
    return timeline
  }

  private forgetOldest(): void {
    const [oldest] = this.byAddress
    if (oldest === undefined) return
    const [address, timeline] = oldest
    this.byAddress.delete(address)
    if (timeline.cell?.timeline === timeline) timeline.cell.timeline = undefined
  }
}
