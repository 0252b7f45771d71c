import { describe, expect, it } from "@effect/vitest"
import { Tracer } from "effect"
import * as fc from "fast-check"
import { spanOf, textOf } from "../src/TraceContext.ts"

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(..."0123456789abcdef"), { minLength: length, maxLength: length })
    .map((digits) => digits.join(""))
    .filter((text) => !/^0+$/.test(text))

describe("the text of a span", () => {
  it("names the same span again", () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, sampled) => {
        const text = textOf(Tracer.externalSpan({ traceId, spanId, sampled }))!
        expect(text).toBe(`00-${traceId}-${spanId}-0${sampled ? 1 : 0}`)
        expect(spanOf(text)).toMatchObject({ _tag: "ExternalSpan", traceId, spanId, sampled })
      })
    )
  })

  it("is missing where there is no span, and where W3C does not know its ids", () => {
    expect(textOf(undefined)).toBe(undefined)
    expect(textOf(Tracer.externalSpan({ traceId: "trace", spanId: "span" }))).toBe(undefined)
    expect(textOf(Tracer.externalSpan({ traceId: "a".repeat(16), spanId: "b".repeat(16) }))).toContain(
      `-${"0".repeat(16)}${"a".repeat(16)}-`
    )
  })
})

describe("a text that names no span", () => {
  const [trace, span] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"]
  for (const [what, text] of [
    ["nothing", ""],
    ["another text", "x".repeat(64)],
    ["the version that there is none of", `ff-${trace}-${span}-01`],
    ["zeros for a trace", `00-${"0".repeat(32)}-${span}-01`],
    ["zeros for a span", `00-${trace}-${"0".repeat(16)}-01`],
    ["capitals", `00-${trace.toUpperCase()}-${span}-01`],
    ["more than version 0 has", `00-${trace}-${span}-01-what`]
  ] as const) {
    it(`is left out: ${what}`, () => expect(spanOf(text)).toBe(undefined))
  }

  it("but what a later version has behind the four fields is not minded", () => {
    expect(spanOf(`01-${trace}-${span}-03-more`)).toMatchObject({ traceId: trace, spanId: span, sampled: true })
  })
})
