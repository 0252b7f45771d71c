/**
 * Who waits grows in priority: by one for each second that it has been ready, up to 255. Computed anew from the time of waiting
 * whenever it is needed and never added to the priority itself, so looking twice changes nothing, and a turn resets it.
 */
import type { AiProcess } from "./AiProcess.ts"

/** 0 to 255: the priority, and one for each second ready. */
export const effectivePriority = (priority: number, readyMs: number): number =>
  Math.min(255, priority + Math.max(0, readyMs) / 1_000)

/** What the process counts for at `nowMs` when it has been ready since `readySinceMs`. */
export const ageBoost = ({ priority }: AiProcess, readySinceMs: number, nowMs: number): number =>
  effectivePriority(priority, nowMs - readySinceMs)

/** Milliseconds until nobody has a higher priority. From then on, who was ready first comes first, so it is next but those. */
export const topAfterMs = (priority: number): number => (255 - priority) * 1_000

/**
 * The most milliseconds from the bid for a turn until it begins, when `before` turns are held or waited for at that time, turns take at most
 * `turnMs`, and the budget has room. Whoever comes later, however urgent, is after it once it is at the top.
 */
export const turnWaitBoundMs = (priority: number, before: number, slots: number, turnMs: number): number =>
  topAfterMs(priority) + (Math.floor(before / slots) + 1) * turnMs
