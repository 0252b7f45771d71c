/**
 * Values of a schema as plain data, and back: on the way of every message between nodes. What each needs is made once for a
 * schema, and a conversion that has nothing to wait for is done when these functions return.
 */
import { type Effect, Schema } from "effect"

type Codec = Schema.Codec<any, any>
type Convert = (value: unknown) => Effect.Effect<unknown, Schema.SchemaError>

export const encode = (schema: Codec, value: unknown): Effect.Effect<unknown, Schema.SchemaError> =>
  of(schema).encode(value)

export const decode = (schema: Codec, value: unknown): Effect.Effect<unknown, Schema.SchemaError> =>
  of(schema).decode(value)

/** Weakly: a definition that nobody holds any more takes its conversions along. */
const conversions = new WeakMap<Codec, { readonly encode: Convert; readonly decode: Convert }>()

const of = (schema: Codec) => {
  const known = conversions.get(schema)
  if (known !== undefined) return known
  const made = {
    encode: Schema.encodeUnknownEffect(schema) as Convert,
    decode: Schema.decodeUnknownEffect(schema) as Convert
  }
  conversions.set(schema, made)
  return made
}
