/**
 * Modules that are ready to run: checked, rewritten and, where they may run in the node's thread, compiled. Bounded by
 * the bytes of their code; the least recently used one goes first. Losing one costs a load from the content store.
 */
import type { ContentId } from "@continuum/core/ContentId"
import type { Loaded } from "./sandbox/Requests.ts"

export interface Entry {
  readonly loaded: Loaded
  /** Present when the module may run in the node's thread. */
  readonly module: WebAssembly.Module | undefined
}

/** Bytes that an entry is counted for: compiled code takes about four times its binary, and the rest some room. */
export const entryBytes = ({ loaded, module }: Entry): number =>
  1024 + (loaded.source?.length ?? 0) + (loaded.code?.length ?? 0) * (module === undefined ? 1 : 5)

export class ModuleCache {
  /** Least recently used first. */
  private readonly entries = new Map<ContentId, Entry>()
  private readonly bytesMax: number
  /** Bytes of all entries. */
  bytes = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  get size(): number {
    return this.entries.size
  }

  /** The entry, which is now the most recently used. */
  get(id: ContentId): Entry | undefined {
    const entry = this.entries.get(id)
    if (entry === undefined) return undefined
    this.entries.delete(id)
    this.entries.set(id, entry)
    return entry
  }

  /** Adds an entry and evicts until the limit holds. One that is larger than the limit is not kept. */
  set(id: ContentId, entry: Entry): void {
    this.delete(id)
    const bytes = entryBytes(entry)
    if (bytes > this.bytesMax) return
    this.entries.set(id, entry)
    this.bytes += bytes
    for (const oldest of this.entries.keys()) {
      if (this.bytes <= this.bytesMax) break
      this.delete(oldest)
    }
  }

  delete(id: ContentId): boolean {
    const entry = this.entries.get(id)
    if (entry === undefined) return false
    this.bytes -= entryBytes(entry)
    return this.entries.delete(id)
  }
}
