/**
 * What a module may ask of its host: which imports, how much memory, how large tables. Features are `Feature.ts`,
 * counts are `Limits.ts`; both are checked while the module is read.
 */
import { ModuleRefused } from "../JitError.ts"
import * as Limits from "../Limits.ts"
import type { Bounds, Import, Kind, Module, Table } from "./Module.ts"

/** An import that a module may have. */
export interface AllowedImport {
  readonly module: string
  readonly field: string
  readonly kind: Kind
}

/** Every import: for a module that ships with the node itself, never for one that somebody sent. */
export type AllowedImports = ReadonlyArray<AllowedImport> | "any"

/** Exports of this prefix are ours. A module that has one is refused, so that no module can pose as a rewritten one. */
export const reservedPrefix = "continuum."

/** Throws `ModuleRefused` for the first import that is not allowed. */
export const checkImports = (module: Module, allowed: AllowedImports): void => {
  if (allowed === "any") return
  for (const wanted of module.imports) {
    if (allowed.some((one) => isSame(one, wanted))) continue
    throw new ModuleRefused({
      reason:
        `it imports the ${wanted.kind} "${printable(wanted.module)}.${printable(wanted.field)}", which it does not get. ` +
        (allowed.length === 0
          ? "No import is allowed"
          : `Allowed: ${allowed.map((one) => `${one.module}.${one.field}`).join(", ")}`)
    })
  }
}

/** Throws `ModuleRefused` for an export of a reserved name. */
export const checkExports = (module: Module): void => {
  const reserved = module.exports.find((one) => one.name.startsWith(reservedPrefix))
  if (reserved === undefined) return
  throw new ModuleRefused({
    reason: `it exports "${printable(reserved.name)}": names that begin with "${reservedPrefix}" are reserved`
  })
}

/** Bounds of a memory under a cap of pages: a minimum above it is refused, the maximum is lowered to it. */
export const boundMemory = (memory: Bounds, pagesMax: number): Bounds & { readonly max: number } => {
  if (memory.min > pagesMax) {
    throw new ModuleRefused({
      reason: `it wants ${memory.min} pages of memory (64 KiB each) to begin with, and ${pagesMax} are allowed`
    })
  }
  return { min: memory.min, max: Math.min(memory.max ?? pagesMax, pagesMax) }
}

/** Bounds of a table under `Limits.tableEntriesMax`, in the same way. */
export const boundTable = (table: Table): Table & { readonly max: number } => {
  const entriesMax = Limits.tableEntriesMax
  if (table.min > entriesMax) {
    throw new ModuleRefused({ reason: `it wants a table of ${table.min} entries, and ${entriesMax} are allowed` })
  }
  return { type: table.type, min: table.min, max: Math.min(table.max ?? entriesMax, entriesMax) }
}

const isSame = (one: AllowedImport, other: Import): boolean =>
  one.module === other.module && one.field === other.field && one.kind === other.kind

// A name from a stranger's module, for a message: short, and without control characters.
const printable = (name: string): string => name.slice(0, 100).replace(/\p{C}/gu, "?")
