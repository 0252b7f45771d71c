/**
 * A law is what every implementation of a port must do. A law suite is a list of them, free of any test runner: run
 * each `check` with a fresh implementation and let a failure fail the test.
 */
import { Effect, Schema } from "effect"

export interface Law<R> {
  /** A sentence about behaviour. */
  readonly name: string
  /** Fails or dies when the implementation breaks the law. */
  readonly check: Effect.Effect<void, unknown, R>
}

/** The implementation did something else than the law says. */
export class LawBroken extends Schema.TaggedError<LawBroken>()("LawBroken", {
  expectation: Schema.String,
  found: Schema.String
}) {
  override get message() {
    return `Expected ${this.expectation}, and found ${this.found}`
  }
}

/** Fails with `LawBroken` unless the two print alike. */
export const same = (what: string, actual: unknown, expected: unknown): Effect.Effect<void, LawBroken> => {
  const [found, wanted] = [print(actual), print(expected)]
  return found === wanted ? Effect.void : Effect.fail(new LawBroken({ expectation: `${what} to be ${wanted}`, found }))
}

/** Bytes as their first hexadecimal digits and their number, the rest as JSON. */
const print = (value: unknown): string =>
  JSON.stringify(value, (_, part) =>
    part instanceof Uint8Array
      ? `${Array.from(part.subarray(0, 32), (byte) => byte.toString(16).padStart(2, "0")).join("")} (${part.length} bytes)`
      : typeof part === "bigint"
        ? `${part}n`
        : part
  ) ?? "undefined"
