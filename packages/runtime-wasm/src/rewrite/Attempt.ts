/**
 * The edge between code that throws and code that returns Effects. Decoding hostile bytes throws, because a check on
 * every byte must cost nothing when it holds; callers outside get the same errors in the type of an Effect.
 */
import { Effect } from "effect"

type ErrorClass<E> = abstract new (...arguments_: Array<never>) => E

/** What `body` returns, or a failure with what it threw if that is of one of these classes; anything else is a defect. */
export const attempt = <A, Classes extends ReadonlyArray<ErrorClass<unknown>>>(
  classes: Classes,
  body: () => A
): Effect.Effect<A, InstanceType<Classes[number]>> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(body())
    } catch (error) {
      return classes.some((one) => error instanceof one)
        ? Effect.fail(error as InstanceType<Classes[number]>)
        : Effect.die(error)
    }
  })
