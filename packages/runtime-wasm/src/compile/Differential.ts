/**
 * Whether a compiled function means what its source means: both answer the same inputs, and every answer of the
 * compiled one must be exactly the reference's (`Object.is`, so that -0 is not 0).
 *
 * The compiled function may give no answer (it traps on what it does not cover; such calls go to the interpreter). It may
 * not answer where the reference throws.
 */
import type { Answer } from "./Reference.ts"
import { differingTextMax, testedMin } from "../Limits.ts"

/** What the compiled function did with an input. `trap`: no answer. */
export type Compiled = { readonly kind: "value"; readonly value: unknown } | { readonly kind: "trap" | "fuel" }

export type Verdict =
  | { readonly equal: true; /** Inputs with the same answer. */ readonly tested: number }
  | { readonly equal: false; readonly reason: string }

/** Compares over all inputs; `run` gives the compiled function's behaviour. Stops at the first difference. */
export const compare = (
  inputs: ReadonlyArray<ReadonlyArray<unknown>>,
  answers: ReadonlyArray<Answer>,
  run: (input: ReadonlyArray<unknown>) => Compiled
): Verdict => {
  let tested = 0
  let trapped = 0
  for (const [index, input] of inputs.entries()) {
    const answer = answers[index]!
    if (answer.kind === "unknown") continue
    const compiled = run(input)
    if (compiled.kind === "trap") {
      if (answer.kind === "value") trapped++
      continue
    }
    if (answer.kind === "value" && compiled.kind === "value" && same(answer.value, compiled.value)) tested++
    else return { equal: false, reason: difference(input, answer, compiled) }
  }
  if (tested < testedMin) {
    return { equal: false, reason: `only ${tested} of ${inputs.length} generated inputs could be compared` }
  }
  if (trapped > tested) {
    return { equal: false, reason: `its compiled form covers only ${tested} of ${tested + trapped} generated inputs` }
  }
  return { equal: true, tested }
}

/** Equality of plain data that tells every two numbers apart. */
export const same = (a: unknown, b: unknown): boolean => {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((element, index) => same(element, b[index]))
  return Object.is(a, b)
}

const difference = (input: ReadonlyArray<unknown>, answer: Answer, compiled: Compiled): string => {
  const ours = compiled.kind === "value" ? show(compiled.value) : "no end within the fuel"
  const theirs =
    answer.kind === "value" ? show(answer.value) : answer.kind === "throws" ? `an error (${answer.reason})` : ""
  return `its compiled form differs: for ${input.map(show).join(", ")} it gives ${ours}, and JavaScript ${theirs}`
}

/** JSON, with the numbers that JSON lacks by their names. */
const show = (value: unknown): string => {
  const text = write(value)
  return text.length > differingTextMax ? `${text.slice(0, differingTextMax)}...` : text
}

const write = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value)
  return JSON.stringify(value) ?? String(value)
}
