import { describe, expect, it } from "@effect/vitest"
import * as Module from "../../src/rewrite/Module.ts"
import * as Sections from "../../src/rewrite/Sections.ts"

/** A module of sections, each its id and content, shorter than 128 bytes. */
const module = (...sections: ReadonlyArray<readonly [id: number, ...content: ReadonlyArray<number>]>) =>
  Uint8Array.from([...Module.magic, ...sections.flatMap(([id, ...content]) => [id, content.length, ...content])])

const type = [1, 1, 0x60, 0, 0] as const

describe("Sections", () => {
  it("puts a section where it belongs, and replaces an empty one", () => {
    const exported = Uint8Array.of(1, 1, 0x61, 0, 0)
    const before = module([0, 1, 0x61], type, [3, 1, 0], [10, 1, 2, 0, 0x0b], [0, 1, 0x62])
    const after = module([0, 1, 0x61], type, [3, 1, 0], [7, ...exported], [10, 1, 2, 0, 0x0b], [0, 1, 0x62])
    expect(Sections.withSection(before, Module.Section.export, exported)).toEqual(after)
    const empty = module([0, 1, 0x61], type, [3, 1, 0], [7, 0], [10, 1, 2, 0, 0x0b], [0, 1, 0x62])
    expect(Sections.withSection(empty, Module.Section.export, exported)).toEqual(after)
    expect(Sections.withSection(Module.magic, Module.Section.export, exported)).toEqual(module([7, ...exported]))
  })
})
