import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "fast-check"
import * as Render from "../src/Render.ts"
import * as Style from "../src/Style.ts"

interface Row {
  readonly name: string
  readonly uses: number
}
const columns: ReadonlyArray<Render.Column<Row>> = [
  { head: "NAME", cell: ({ name }) => name },
  { head: "USES", cell: ({ uses }) => Render.count(uses), align: "right" },
  { head: "STATE", cell: () => "seeded" }
]

describe("Render", () => {
  it("aligns words to the left and numbers to the right, with no space at the ends of lines", () => {
    const rows = [
      { name: "double", uses: 1 },
      { name: "x", uses: 12_345 }
    ]
    assert.strictEqual(
      Render.table(Style.plain, rows, columns, "none"),
      ["NAME      USES  STATE", "double       1  seeded", "x       12,345  seeded"].join("\n")
    )
  })

  it("says what to do instead of an empty table", () => {
    assert.strictEqual(Render.table(Style.plain, [], columns, "No modules yet"), "No modules yet")
  })

  it("aligns wide and combining characters by the cells they take", () => {
    const rows = ["日本語", "e\u0301te", "🦀", "plain"].map((name) => ({ name, uses: 7 }))
    const lines = Render.table(Style.plain, rows, columns, "").split("\n")
    const ends = lines.map((line) =>
      Render.width(line.slice(0, line.search(/USES|7/) + (line.includes("USES") ? 4 : 1)))
    )
    assert.deepStrictEqual(new Set(ends).size, 1)
  })

  it("paints after it pads, so that colours shift nothing", () => {
    const painted = columns.map((column) => ({ ...column, paint: Style.colored.red }))
    const rows = [
      { name: "double", uses: 1 },
      { name: "x", uses: 12_345 }
    ]
    // oxlint-disable-next-line no-control-regex
    const withoutCodes = Render.table(Style.colored, rows, painted, "").replaceAll(/\u001b\[\d+m/g, "")
    assert.strictEqual(
      withoutCodes
        .split("\n")
        .map((line) => line.trimEnd())
        .join("\n"),
      Render.table(Style.plain, rows, columns, "")
    )
  })

  it("never lets control characters of others reach the terminal", () => {
    const rows = [{ name: "\u001b[2Jevil\r\u009b31m\u202e", uses: 1 }]
    const text = Render.table(Style.plain, rows, columns, "")
    assert.include(text, "\\x1b[2Jevil\\x0d\\x9b31m\\u202e")
    FastCheck.assert(
      FastCheck.property(FastCheck.array(FastCheck.integer({ min: 0, max: 0x2100 }), { maxLength: 40 }), (codes) => {
        const input = String.fromCharCode(...codes)
        // oxlint-disable-next-line no-control-regex
        assert.notMatch(Render.printable(input), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
      })
    )
  })

  it("writes sizes with units of 1024 and at most three digits", () => {
    for (const [bytes, text] of [
      [0, "0 B"],
      [1023, "1023 B"],
      [1024, "1.0 KiB"],
      [102_348, "99.9 KiB"],
      [102_400, "100 KiB"],
      [1_048_575, "1.0 MiB"],
      [88_340_000, "84.2 MiB"],
      [1_610_612_736, "1.5 GiB"],
      [5e15, "4547 TiB"]
    ] as const) {
      assert.strictEqual(Render.bytes(bytes), text)
    }
  })

  it("writes durations with the two units that matter", () => {
    for (const [ms, text] of [
      [0.04, "0.0 ms"],
      [9.94, "9.9 ms"],
      [9.96, "10 ms"],
      [450, "450 ms"],
      [999.6, "1.0 s"],
      [3210, "3.2 s"],
      [59_949, "59.9 s"],
      [60_000, "1 min 0 s"],
      [245_000, "4 min 5 s"],
      [3_599_999, "1 h 0 min"],
      [11_520_000, "3 h 12 min"],
      [183_600_000, "2 d 3 h"]
    ] as const) {
      assert.strictEqual(Render.milliseconds(ms), text)
    }
  })

  it("groups the digits of counts", () => {
    for (const [value, text] of [
      [0, "0"],
      [999, "999"],
      [1000, "1,000"],
      [1_234_567, "1,234,567"],
      [-1_234_567, "-1,234,567"],
      [1234.567, "1,234.57"]
    ] as const) {
      assert.strictEqual(Render.count(value), text)
    }
  })

  it("writes a value as JSON, on one line while it fits", () => {
    assert.strictEqual(Render.value(42), "42")
    assert.strictEqual(Render.value("a\nb"), '"a\\nb"')
    assert.strictEqual(Render.value(undefined), "null")
    assert.strictEqual(Render.value({ a: [1, 2] }), '{"a":[1,2]}')
    const long = { text: "x".repeat(80), list: [1, 2] }
    assert.deepStrictEqual(JSON.parse(Render.value(long)), long)
    assert.include(Render.value(long), "\n")
  })

  it("lines up names and values, and leaves absent ones out", () => {
    const pairs = [
      ["name", "a"],
      ["public key", "b\nc"],
      ["gone", undefined]
    ] as const
    assert.strictEqual(Render.fields(Style.plain, pairs), "name        a\npublic key  b\n            c")
  })
})
