import { assert, describe, it } from "@effect/vitest"
import { pretty } from "../src/LogBook.ts"

const entry = { time: "2026-01-02T03:04:05.678Z", level: "warn", message: "hello" }

describe("an entry of the log for a person", () => {
  it("is one line with time, level, message and fields", () => {
    assert.strictEqual(
      pretty({ ...entry, fields: { peer: "bee", count: 2 } }),
      '03:04:05 warn  hello peer="bee" count=2'
    )
  })

  it("neither steers the terminal nor fakes another entry, whatever a peer wrote in it", () => {
    const evil = "\u001b[2J\u001b]0;title\u0007\u009b31m\u202e\n03:04:06 error fake"
    const line = pretty({ ...entry, message: evil, fields: { evil } })
    // oxlint-disable-next-line no-control-regex
    assert.notMatch(line, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
    assert.deepStrictEqual(
      line.split("\n").map((part) => part.slice(0, 10)),
      ["03:04:05 w", "  03:04:06"]
    )
  })
})
