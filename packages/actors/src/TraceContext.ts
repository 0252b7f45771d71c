/**
 * The trace context of messages between nodes, as W3C `traceparent` (https://www.w3.org/TR/trace-context/): the span of the asker
 * here is the parent of the handler's spans there.
 */
import { Tracer } from "effect"

/** The text of a span; `undefined` for none, and for one whose ids W3C does not know. */
export const textOf = (span: Tracer.AnySpan | undefined): string | undefined => {
  if (span === undefined) return undefined
  const text = `00-${span.traceId.padStart(32, "0")}-${span.spanId}-${span.sampled ? "01" : "00"}`
  return pattern.test(text) ? text : undefined
}

/** The span that a text names; `undefined` for none. What cannot be read is no reason to refuse a message, and is left out. */
export const spanOf = (text: string | undefined): Tracer.ExternalSpan | undefined => {
  if (text === undefined) return undefined
  const [, version, traceId, spanId, flags, rest] = pattern.exec(text) ?? []
  if (traceId === undefined || spanId === undefined || version === "ff" || (version === "00" && rest !== "")) {
    return undefined
  }
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return Tracer.externalSpan({ traceId, spanId, sampled: (Number.parseInt(flags!, 16) & 1) === 1 })
}

/** A later version may have more behind these four fields. */
const pattern = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(|-.*)$/
