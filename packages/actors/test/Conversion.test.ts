import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Schema, SchemaTransformation } from "effect"
import fc from "fast-check"
import * as Conversion from "../src/Conversion.ts"

class Point extends Schema.Class<Point>("Point")({ x: Schema.Number, y: Schema.Number }) {}

interface Tree {
  readonly of: number
  readonly children: ReadonlyArray<Tree>
}

/** Schemas, with some values that they accept. Made anew at each call: what is compiled stays so, and one is left to the interpreter. */
const schemas: ReadonlyArray<
  readonly [name: string, make: () => Schema.Codec<any, any>, sound: ReadonlyArray<unknown>]
> = [
  ["a text", () => Schema.String, ["", "grüß"]],
  [
    "a struct of plain things",
    () =>
      Schema.Struct({ text: Schema.String, n: Schema.Number, is: Schema.optionalKey(Schema.Boolean), no: Schema.Null }),
    [
      { text: "a", n: 1, no: null },
      { text: "", n: NaN, is: true, no: null, more: 1 }
    ]
  ],
  [
    "lists of structs",
    () => Schema.Array(Schema.Struct({ a: Schema.Array(Schema.String), b: Schema.Int })),
    [
      [],
      [
        { a: ["x"], b: 1 },
        { a: [], b: 0, c: 2 }
      ]
    ]
  ],
  [
    "a checked text",
    () => Schema.Struct({ name: Schema.NonEmptyString.check(Schema.isMaxLength(3)) }),
    [{ name: "abc" }]
  ],
  [
    "a union by tag",
    () =>
      Schema.Union([
        Schema.TaggedStruct("A", { a: Schema.Number }),
        Schema.TaggedStruct("B", { b: Schema.NullOr(Schema.String) })
      ]),
    [
      { _tag: "A", a: 1 },
      { _tag: "B", b: null }
    ]
  ],
  [
    "a record",
    () => Schema.Record(Schema.String, Schema.Union([Schema.Number, Schema.Literal("none")])),
    [{}, { x: 1, y: "none" }]
  ],
  [
    "a tree",
    () => {
      const tree: Schema.Codec<Tree> = Schema.Struct({
        of: Schema.Number,
        children: Schema.Array(Schema.suspend(() => tree))
      })
      return tree
    },
    [{ of: 1, children: [{ of: 2, children: [] }] }]
  ],
  ["a class", () => Schema.Struct({ at: Point }), [{ at: { x: 1, y: 2 } }]],
  [
    "a transformation",
    () =>
      Schema.Struct({
        big: Schema.String.pipe(
          Schema.decodeTo(
            Schema.Number,
            SchemaTransformation.transform({ decode: (text) => Number(text), encode: (n) => String(n) })
          )
        )
      }),
    [{ big: "12" }]
  ]
]

const leaves = fc.constantFrom<unknown>(null, 0, 1.5, -1, NaN, "", "none", "text", "abcd", true, "A", "B", undefined)
const names = fc.constantFrom(
  "text",
  "n",
  "is",
  "no",
  "a",
  "b",
  "name",
  "_tag",
  "of",
  "children",
  "at",
  "x",
  "y",
  "big"
)
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaves,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(names, tie("value"), { maxKeys: 4 }),
    fc.record({ text: leaves, n: leaves, no: leaves }),
    fc.record({ _tag: fc.constantFrom("A", "B"), a: leaves, b: leaves }),
    fc.record({ at: fc.constantFrom(new Point({ x: 1, y: 2 }), { x: 1, y: 2 }) })
  )
})).value

describe("values of a schema that is compiled become what Effect's interpreter makes of them:", () => {
  const said = (effect: Effect.Effect<unknown, { readonly message: string }>) =>
    Exit.match(Effect.runSyncExit(Effect.mapError(effect, ({ message }) => message)), {
      onSuccess: (value) => ({ value }),
      onFailure: (cause) => ({ cause })
    })
  for (const [name, make, sound] of schemas) {
    it(name, () => {
      const [compiled, interpreted] = [make(), make()]
      const is = Conversion.is(make())
      let accepted = 0
      const samples = fc.sample(values, { numRuns: 1_500, seed: 42 })
      for (const value of [...samples, ...sound]) {
        const decoded = said(Conversion.decode(compiled, value))
        expect(decoded).toEqual(said(Schema.decodeUnknownEffect(interpreted)(value)))
        expect(said(Conversion.encode(compiled, value))).toEqual(said(Schema.encodeUnknownEffect(interpreted)(value)))
        expect(is(value)).toBe(Schema.is(interpreted)(value))
        if ("value" in decoded) accepted++
      }
      expect(accepted).toBeGreaterThanOrEqual(sound.length)
    })
  }

  it("one that has nothing to wait for is done at once", () => {
    const schema = Schema.Struct({ text: Schema.String })
    expect(Exit.isExit(Conversion.decode(schema, { text: "a" }))).toBe(true)
    expect(Exit.isExit(Conversion.encode(schema, { text: "a" }))).toBe(true)
    expect(Exit.isExit(Conversion.decode(schema, { text: 1 }))).toBe(true)
  })
})
