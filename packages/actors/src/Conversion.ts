/**
 * Values of a schema as plain data, and back: on the way of every message between nodes. What each needs is made once for a
 * schema, and a conversion that has nothing to wait for is done when these functions return.
 *
 * Effect's compiler makes functions of schemas, with the results of its interpreter at a fraction of the time; where a runtime
 * forbids making functions of text, the interpreter goes on working.
 */
import { type Effect, Schema, SchemaAST } from "effect"
import * as SchemaJITCompiler from "effect/schema/SchemaJITCompiler"

type Codec = Schema.Codec<any, any>
type Convert = (value: unknown) => Effect.Effect<unknown, Schema.SchemaError>

export const encode = (schema: Codec, value: unknown): Effect.Effect<unknown, Schema.SchemaError> =>
  of(schema).encode(value)

export const decode = (schema: Codec, value: unknown): Effect.Effect<unknown, Schema.SchemaError> =>
  of(schema).decode(value)

/** Whether a value is of the type that the schema describes. */
export const is = (schema: Codec): ((value: unknown) => boolean) => {
  SchemaJITCompiler.enable(SchemaAST.toType(schema.ast))
  return Schema.is(schema)
}

/** Weakly: a definition that nobody holds any more takes its conversions along. */
const conversions = new WeakMap<Codec, { readonly encode: Convert; readonly decode: Convert }>()

const of = (schema: Codec) => {
  const known = conversions.get(schema)
  if (known !== undefined) return known
  SchemaJITCompiler.enable(schema.ast)
  SchemaJITCompiler.enable(SchemaAST.flip(schema.ast))
  const made = {
    encode: Schema.encodeUnknownEffect(schema) as Convert,
    decode: Schema.decodeUnknownEffect(schema) as Convert
  }
  conversions.set(schema, made)
  return made
}
