/**
 * Other nodes' JITs: a module runs on a peer, and a source that this node has no compiler for is compiled by one that has.
 *
 * What comes back is not believed: a module is fetched by its content id, so its bytes are what the id says, and tested
 * against its source as a compiler here would have to be. A request goes one hop: the node asked asks no other.
 */
import type { RemoteError } from "@continuum/actors/RemoteError"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import * as Address from "@continuum/core/Address"
import type { ContentId } from "@continuum/core/ContentId"
import { ContentRouting } from "@continuum/core/ContentRouting"
import { ContentNotStored, ContentStore, ContentUnknown } from "@continuum/core/ContentStore"
import { type Peer, PeerDirectory } from "@continuum/core/PeerDirectory"
import { PeerUnreachable } from "@continuum/core/Transport"
import { Effect, Option, Schema } from "effect"
import { CompileError, CompileFailed, LanguageUnavailable } from "./JitError.ts"
import type * as JitActor from "./JitActor.ts"
import type { RunResult } from "./rpc.ts"
import type { Sandbox } from "./sandbox/Sandbox.ts"
import * as SourceActor from "./SourceActor.ts"

export type RunElsewhereError = JitActor.RunFailure | RemoteError
export type CompileElsewhereError = CompileError | ContentNotStored

export interface Elsewhere {
  /** Brings content here when a peer has it; whether it had to be brought. */
  readonly fetch: (id: ContentId) => Effect.Effect<boolean, ContentUnknown | ContentNotStored>
  /** Runs a module on the peer of this name or key. The peer fetches the module when it does not have it. */
  readonly run: (peer: string, call: JitActor.RunCall) => Effect.Effect<RunResult, RunElsewhereError>
  /**
   * A module of the source, compiled by the nearest connected peer that can and may, brought here and tested. Fails with
   * `LanguageUnavailable` when no peer compiles the language, otherwise with what the last one that was asked said.
   */
  readonly compile: (
    call: JitActor.CompileCall
  ) => Effect.Effect<{ readonly contentId: ContentId; readonly compiledBy: string }, CompileElsewhereError>
}

/** Through the mesh that this process has; without one nothing is elsewhere. */
export const make = Effect.fnUntraced(function* (
  Door: ReturnType<typeof JitActor.make>,
  sandbox: Sandbox["Service"],
  languages: ReadonlyArray<string>
) {
  const system = yield* ActorSystem
  const store = yield* ContentStore
  const directory = Option.getOrUndefined(yield* Effect.serviceOption(PeerDirectory))
  const routing = Option.getOrUndefined(yield* Effect.serviceOption(ContentRouting))

  const door = (peer: Peer, name: string) =>
    peer.realm === undefined
      ? Effect.fail(new PeerUnreachable({ peer: peer.name || peer.publicKey, reason: "it has not been met yet" }))
      : Effect.succeed(system.at(Door, Address.format(Address.make("jit", name, peer.realm))))

  const fetch: Elsewhere["fetch"] = (id) =>
    routing === undefined
      ? Effect.fail(new ContentUnknown({ contentId: id }))
      : Effect.map(routing.fetch(id), ({ fetched }) => fetched)

  const compileAt = Effect.fnUntraced(function* (peer: Peer, call: JitActor.CompileCall) {
    const { input, lang, source } = call
    const { contentId } = yield* Effect.flatMap(door(peer, SourceActor.nameOf(lang, source)), (at) => at.compile(call))
    if (routing === undefined) return yield* new ContentUnknown({ contentId })
    yield* routing.fetch(contentId, { hint: peer.publicKey })
    const file = yield* store.get(contentId)
    yield* Effect.tapError(sandbox.verify(lang, source, input, file), () => store.remove(contentId))
    return { contentId, compiledBy: peer.name || peer.publicKey }
  })

  return {
    fetch,
    run: Effect.fn("Elsewhere.run")(function* (name: string, call: JitActor.RunCall) {
      if (directory === undefined) {
        return yield* new PeerUnreachable({ peer: name, reason: "this node takes part in no mesh" })
      }
      const peer = yield* directory.find(name)
      const result = yield* Effect.flatMap(door(peer, call.contentId), (at) => at.run(call))
      // The answer's own word for who gave it is the peer's; the key is what the connection proved.
      return { ...result, node: peer.name || peer.publicKey, nodeKey: peer.publicKey }
    }),
    compile: Effect.fn("Elsewhere.compile")(function* (call: JitActor.CompileCall) {
      const { lang } = call
      const peers = directory === undefined ? [] : yield* directory.peers
      const able = peers
        .filter(({ capabilities, connected }) => connected && capabilities.includes(lang))
        .sort((a, b) => (a.rttMs ?? Infinity) - (b.rttMs ?? Infinity))
      let last: CompileElsewhereError | undefined
      for (const peer of able) {
        const attempt = yield* Effect.result(compileAt(peer, call))
        if (attempt._tag === "Success") return attempt.success
        const error = attempt.failure
        // A source that one compiler refuses, every compiler refuses.
        if (error._tag === "SourceMalformed" || error._tag === "SourceRefused") return yield* error
        last = isOwn(error)
          ? error
          : new CompileFailed({ lang, reason: `${peer.name || peer.publicKey}: ${error.message}` })
      }
      return yield* last ?? new LanguageUnavailable({ lang, available: languages })
    })
  } satisfies Elsewhere
})

const isOwn = Schema.is(Schema.Union([...CompileError.members, ContentNotStored]))
