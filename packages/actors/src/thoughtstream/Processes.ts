/**
 * What the ThoughtStream knows of each AI: its process, since when it wants a turn, and how many turns it bids for and has. One that wants
 * nothing makes room for a new one. Internal to Turns.
 */
import { Result } from "effect"
import * as Limits from "../Limits.ts"
import * as AiProcess from "./AiProcess.ts"

export interface Known {
  ai: AiProcess.AiProcess
  /** For people; its id where nobody said one. */
  name: string
  /** Since when it wants a turn. */
  readySinceMs: number
  /** Turns that it bids for or holds. */
  open: number
  /** Turns that it has, with or without a slot. */
  held: number
  /** Turns that it has a slot for. */
  running: number
}

export class Processes {
  private readonly known: Map<string, Known>

  constructor() {
    this.known = new Map()
  }

  get(personaId: string): Known | undefined {
    return this.known.get(personaId)
  }

  /** One that has bid or holds a turn, and is known by that. */
  of(personaId: string): Known {
    return this.known.get(personaId)!
  }

  /** The process as it is known here, which wants a turn more. */
  meet(ai: AiProcess.AiProcess, name: string | undefined, nowMs: number): Known {
    const known = this.known.get(ai.personaId)
    if (known === undefined) {
      const fresh: Known = {
        ai: { ...ai, state: "ready" },
        name: name ?? ai.personaId,
        readySinceMs: nowMs,
        open: 1,
        held: 0,
        running: 0
      }
      this.makeRoom()
      this.known.set(ai.personaId, fresh)
      return fresh
    }
    // What was measured here is worth more than the estimate of the bid.
    const { costTokens, latencyMs, state } = known.ai
    known.ai = { ...ai, costTokens, latencyMs, state }
    if (name !== undefined) known.name = name
    known.open++
    if (state === "sleeping") {
      move(known, "ready")
      known.readySinceMs = nowMs
    }
    return known
  }

  private makeRoom(): void {
    if (this.known.size < Limits.processesKept) return
    for (const [personaId, { open }] of this.known) {
      if (open > 0) continue
      this.known.delete(personaId)
      return
    }
  }

  /** A turn of it got a slot. */
  slotTaken(known: Known): void {
    known.running++
    if (known.ai.state === "blocked") move(known, "ready")
    if (known.ai.state !== "running") move(known, "running")
  }

  /** A turn of it goes on waiting. */
  slotGiven(known: Known): void {
    known.running--
    if (known.running === 0) move(known, "ready")
  }

  /** A bid or turn of it is over. */
  forget(known: Known): void {
    known.open--
    if (known.open === 0) {
      if (known.ai.state !== "sleeping") move(known, "sleeping")
    } else if (known.running === 0 && known.ai.state !== "ready") move(known, "ready")
  }

  setBlocked(personaId: string, isBlocked: boolean): void {
    const known = this.known.get(personaId)
    if (known === undefined || known.running === 0) return
    if (isBlocked) {
      if (known.ai.state === "running") move(known, "blocked")
    } else if (known.ai.state === "blocked") {
      move(known, "ready")
      move(known, "running")
    }
  }
}

const move = (known: Known, to: AiProcess.State): void => {
  // An illegal one is a fault of this file, and a defect.
  known.ai = Result.getOrThrow(AiProcess.transition(known.ai, to))
}
