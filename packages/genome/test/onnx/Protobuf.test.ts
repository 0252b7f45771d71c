import { Writer } from "@continuum/genome/onnx/Protobuf"
import { assert, describe, it } from "@effect/vitest"

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ")

describe("Protobuf", () => {
  it("writes the examples of the specification", () => {
    // https://protobuf.dev/programming-guides/encoding: Test1 {a: 150}, Test2 {b: "testing"}, Test3 {c: {a: 150}}, -2.
    assert.strictEqual(hex(new Writer().int(1, 150).finish()), "08 96 01")
    assert.strictEqual(hex(new Writer().text(2, "testing").finish()), "12 07 74 65 73 74 69 6e 67")
    assert.strictEqual(hex(new Writer().message(3, (inner) => inner.int(1, 150)).finish()), "1a 03 08 96 01")
    assert.strictEqual(hex(new Writer().int(1, -2).finish()), "08 fe ff ff ff ff ff ff ff ff 01")
  })

  it("writes large numbers, floats and fields beyond 15", () => {
    assert.strictEqual(hex(new Writer().int(1, 2 ** 53 - 1).finish()), "08 ff ff ff ff ff ff ff 0f")
    assert.strictEqual(hex(new Writer().float(1, 1).finish()), "0d 00 00 80 3f")
    assert.strictEqual(hex(new Writer().int(20, 0).finish()), "a0 01 00")
  })

  it("grows with what is written", () => {
    const bytes = new Uint8Array(100_000).fill(7)
    const written = new Writer().bytes(1, bytes).bytes(1, bytes).finish()
    assert.strictEqual(written.length, 2 * (100_000 + 4))
    assert.deepStrictEqual(written.subarray(4, 100_004), bytes)
  })
})
