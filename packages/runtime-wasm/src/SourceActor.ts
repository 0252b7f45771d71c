/**
 * A source that this node has compiled is an actor, `continuum://local/source/<content id of language and source>`. It
 * remembers, durably, which module it became for inputs of which type, so that a restarted node compiles nothing twice.
 * Since it handles one message after the other, equal requests that arrive together share one compilation.
 */
import * as Actor from "@continuum/actors/Actor"
import * as ContentId from "@continuum/core/ContentId"
import { ContentNotStored } from "@continuum/core/ContentStore"
import { Effect, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { revision } from "./compile/Compiler.ts"
import { format, ValueType } from "./compile/ValueType.ts"
import { CompileError, CompileFailed } from "./JitError.ts"
import { compileTimeoutMs, queueWaitMsMax, sourceVariantsMax } from "./Limits.ts"
import { Source } from "./rpc.ts"

export const State = Schema.Struct({
  /** Content ids of modules, by what they were compiled for. */
  variants: Schema.Record(Schema.String, ContentId.ContentId),
  /** Names of the nodes that compiled them, where it was not this one. */
  compiledBy: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
})
export type State = typeof State.Type

/** A source, and the type of the input that it is to be compiled for, where that matters and is known. */
export const Request = Schema.Struct({
  ...Source.fields,
  input: Schema.optionalKey(ValueType),
  /** Whether another node may be asked to compile it; one that was asked asks nobody. */
  mayAsk: Schema.optionalKey(Schema.Boolean)
})
export type Request = typeof Request.Type

export class SourceRpcs extends RpcGroup.make(
  /** The module of this actor's source, and whether it had to be compiled. */
  Rpc.make("module", {
    payload: Request.fields,
    success: Schema.Struct({
      contentId: ContentId.ContentId,
      compiled: Schema.Boolean,
      /** Name of the node that compiled it, where it was not this one. */
      compiledBy: Schema.optionalKey(Schema.String)
    }),
    error: Schema.Union([...CompileError.members, ContentNotStored])
  })
) {}

/** Name of the actor of a source. */
export const nameOf = (lang: string, source: string | Uint8Array): ContentId.ContentId => {
  const head = new TextEncoder().encode(`${lang}\n`)
  const text = typeof source === "string" ? new TextEncoder().encode(source) : source
  const bytes = new Uint8Array(head.length + text.length)
  bytes.set(head)
  bytes.set(text, head.length)
  return ContentId.of(bytes)
}

export interface Options {
  /** Compiles and stores the module. */
  readonly compile: (
    request: Request
  ) => Effect.Effect<
    { readonly contentId: ContentId.ContentId; readonly compiledBy?: string },
    CompileError | ContentNotStored
  >
  /** Whether the module is still there. */
  readonly has: (contentId: ContentId.ContentId) => Effect.Effect<boolean>
}

/** The actor type `source`. */
export const make = ({ compile, has }: Options) =>
  Actor.fromRpcs(
    "source",
    SourceRpcs,
    {
      state: { schema: State, initial: { variants: {} } },
      handlers: {
        module: (state, request, { name }) =>
          Effect.gen(function* () {
            const { input, lang, source } = request
            if (nameOf(lang, source) !== name) {
              return yield* new CompileFailed({ lang, reason: "it was sent to the actor of another source" })
            }
            const key = `${revision} ${input === undefined ? "" : format(input)}`
            const known = state.variants[key]
            if (known !== undefined && (yield* has(known))) {
              const by = state.compiledBy?.[key]
              return Actor.reply(state, {
                contentId: known,
                compiled: false,
                ...(by === undefined ? {} : { compiledBy: by })
              })
            }
            const made = yield* compile(request)
            return Actor.reply(remember(state, key, made), { ...made, compiled: true })
          })
      }
    },
    { ack: "committed", askTimeout: compileTimeoutMs + queueWaitMsMax + 5_000 }
  )

/** The oldest ones are forgotten; they can be compiled again. */
const remember = (
  { compiledBy = {}, variants }: State,
  key: string,
  made: { readonly contentId: ContentId.ContentId; readonly compiledBy?: string }
): State => {
  const kept = Object.keys(variants).filter((other) => other !== key)
  const last = kept.slice(Math.max(0, kept.length - sourceVariantsMax + 1))
  const others = last.flatMap((other) => (compiledBy[other] === undefined ? [] : [[other, compiledBy[other]] as const]))
  return {
    variants: Object.fromEntries([...last.map((other) => [other, variants[other]!] as const), [key, made.contentId]]),
    compiledBy: Object.fromEntries(made.compiledBy === undefined ? others : [...others, [key, made.compiledBy]])
  }
}
