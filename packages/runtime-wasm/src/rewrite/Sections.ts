/**
 * Writes the sections of a module, and the entries of those that the rewriter changes
 * (https://webassembly.github.io/spec/core/binary/modules.html).
 */
import {
  type Export,
  type Import,
  kindByte,
  magic,
  type Module,
  Section,
  sectionOrder,
  type Table,
  type Type
} from "./Module.ts"
import { Reader } from "./Reader.ts"
import { Writer } from "./Writer.ts"

/** Bounds of a memory or a table whose maximum is known. */
export interface Bounded {
  readonly min: number
  readonly max: number
}

/** A module that is being written, section by section. */
export class Sections {
  readonly #out: Writer
  readonly #section: Writer

  constructor(capacity: number) {
    this.#out = new Writer(capacity)
    this.#section = new Writer(capacity)
    this.#out.slice(magic)
  }

  /** A section of `count` entries; none when there are none. */
  add(id: number, count: number, write: (into: Writer) => void): void {
    if (count === 0) return
    this.#section.clear()
    this.#section.u32(count)
    write(this.#section)
    this.#out.u8(id)
    this.#out.u32(this.#section.length)
    this.#out.writer(this.#section)
  }

  /** A section as it stands in the module. */
  copy(id: number, module: Module): void {
    const content = module.section(id).rest()
    if (content.length === 0) return
    this.#out.u8(id)
    this.#out.u32(content.length)
    this.#out.slice(content)
  }

  /** A section with its id and length. */
  whole(bytes: Uint8Array): void {
    this.#out.slice(bytes)
  }

  /** The module as far as it was written. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return this.#out.toBytes()
  }
}

/** An entry of the type section. */
export const writeType = (into: Writer, { params, results }: Type): void => {
  into.u8(functionForm)
  into.u32(params.length)
  into.slice(params)
  into.u32(results.length)
  into.slice(results)
}

const functionForm = 0x60

/** An entry of the memory section. */
export const writeBounds = (into: Writer, { min, max }: Bounded): void => {
  into.u8(1)
  into.u32(min)
  into.u32(max)
}

/** An entry of the table section. */
export const writeTable = (into: Writer, table: Table & Bounded): void => {
  into.u8(table.type)
  writeBounds(into, table)
}

/** An entry of the import section, with the bounds that memories and tables are left. */
export const writeImport = (
  into: Writer,
  module: Module,
  { module: from, field, kind, index }: Import,
  memories: ReadonlyArray<Bounded>,
  tables: ReadonlyArray<Table & Bounded>
): void => {
  into.name(from)
  into.name(field)
  into.u8(kindByte(kind))
  switch (kind) {
    case "function":
      return into.u32(module.functions[index]!)
    case "table":
      return writeTable(into, tables[index]!)
    case "memory":
      return writeBounds(into, memories[index]!)
    case "global": {
      const { type, mutable } = module.globals[index]!
      into.u8(type)
      return into.u8(Number(mutable))
    }
  }
}

/** An entry of the export section. */
export const writeExport = (into: Writer, { name, kind, index }: Export): void => {
  into.name(name)
  into.u8(kindByte(kind))
  into.u32(index)
}

/** The module with this content of a section that it had not, or had empty, in the right place. */
export const withSection = (bytes: Uint8Array, id: number, content: Uint8Array): Uint8Array<ArrayBuffer> => {
  const reader = new Reader(bytes, magic.length)
  let [start, end] = [bytes.length, bytes.length]
  while (!reader.atEnd()) {
    const at = reader.position
    const other = reader.u8()
    reader.skip(reader.u32())
    if (other === Section.custom || sectionOrder.indexOf(other) < sectionOrder.indexOf(id)) continue
    start = at
    end = other === id ? reader.position : at
    break
  }
  const out = new Writer(bytes.length + content.length + 8)
  out.slice(bytes, 0, start)
  out.u8(id)
  out.u32(content.length)
  out.slice(content)
  out.slice(bytes, end)
  return out.toBytes()
}
