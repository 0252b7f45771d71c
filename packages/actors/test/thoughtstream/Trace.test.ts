import { describe, expect, it } from "@effect/vitest"
import { type Span, Trace } from "../../src/thoughtstream/Trace.ts"

const span = (personaId: string, fromMs: number, toMs: number, end: Span["end"] = "done"): Span => ({
  _tag: "Span",
  personaId,
  name: personaId,
  turnId: "t<1>",
  waitedMs: 0,
  fromMs,
  toMs,
  end
})

describe("the trace", () => {
  it("reads as one line for each decision and turn", () => {
    const trace = new Trace()
    trace.add({
      _tag: "Decision",
      timeMs: 1_000,
      turnId: "chat/1",
      why: "all answered",
      bids: [
        { personaId: "aaaaaaaa-1", name: "Ada", score: 0.91234, effectivePriority: 130 },
        { personaId: "bbbbbbbb-2", name: "Bob", score: 0.5, effectivePriority: 128.5 }
      ]
    })
    trace.add(span("Ada", 1_001, 1_051, "suspended"))
    expect(trace.text()).toBe(
      "0 ms: chat/1: all answered: Ada 0.912 (priority 130.0) > Bob 0.500 (priority 128.5)\n" +
        "51 ms: t<1>: the turn of Ada since 1 ms is suspended"
    )
  })

  it("draws a bar for each stretch of a turn, where and as long as it was, and escapes what people wrote", () => {
    const trace = new Trace()
    trace.add(span("a", 0, 50, "suspended"))
    trace.add(span("b", 50, 75))
    trace.add(span("a", 75, 100))
    const svg = trace.svg()
    const bars = [...svg.matchAll(/<rect x="([\d.]+)" y="(\d+)" width="([\d.]+)" height="14"/g)].map(
      ([, x, y, width]) => [x, y, width].map(Number)
    )
    expect(bars).toEqual([
      [170, 4, 450],
      [620, 24, 225],
      [845, 4, 225]
    ])
    expect(svg).toContain("<title>a: t&lt;1&gt;, 0 to 50 ms, suspended, waited 0 ms</title>")
    expect(svg).not.toContain("t<1>")
    expect(svg.startsWith("<svg ") && svg.endsWith("</svg>")).toBe(true)
  })

  it("is a picture also when nothing happened", () => {
    expect(new Trace().svg()).toContain("</svg>")
    expect(new Trace().text()).toBe("")
  })

  it("keeps no more than it may, and says how many made room", () => {
    const trace = new Trace(100)
    for (let i = 0; i < 250; i++) trace.add(span("a", i, i + 1))
    expect(trace.entries.length).toBeLessThanOrEqual(100)
    expect(trace.entries.length + trace.forgotten).toBe(250)
    expect(trace.entries.at(-1)).toMatchObject({ fromMs: 249 })
  })
})
