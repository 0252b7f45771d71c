import { describe, expect, it } from "@effect/vitest"
import * as PersonaId from "@continuum/persona/PersonaId"
import { Schema } from "effect"

describe("the id of a persona", () => {
  it("is a UUID, the same for a name everywhere, and another one for another name", () => {
    expect(PersonaId.of("Helper AI")).toBe(PersonaId.of("Helper AI"))
    const ids = Array.from({ length: 200 }, (_, i) => PersonaId.of(`Persona ${i}`))
    expect(new Set(ids).size).toBe(200)
    for (const id of ids) {
      expect(Schema.is(Schema.String.check(Schema.isUUID(8)))(id), id).toBe(true)
    }
  })
})
