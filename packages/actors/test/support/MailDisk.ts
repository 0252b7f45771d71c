/**
 * A storage in memory that outlives the systems on it. It refuses commits or flushes while it is told to, and a system that crashed has
 * no more part in it.
 */
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { ActorStorage, StorageFailed } from "../../src/ActorStorage.ts"
import * as ActorStorageMemory from "../../src/ActorStorageMemory.ts"
import { ActorSystem, type Options } from "../../src/ActorSystem.ts"

export class MailDisk {
  readonly states = new Map<string, Uint8Array>()
  refusesCommits = false
  refusesFlushes = false
  /** Milliseconds that a commit takes. */
  commitMs = 0
  commits = 0

  /** Keys of the records of this kind, in order. */
  keys(kind: "mail" | "taken" | "out" | "remind"): Array<string> {
    return [...this.states.keys()].filter((key) => key.startsWith(`~${kind}/`)).sort()
  }

  /** Starts a system. `crash` takes the storage away from it; nothing else of it is ended. */
  start(options: Options = {}) {
    return Effect.suspend(() => this.begin(options))
  }

  private begin(options: Options) {
    const memory = ActorStorageMemory.make(this.states)
    const life = { isOver: false }
    const alive = <A, E>(effect: Effect.Effect<A, E>) => Effect.suspend(() => (life.isOver ? Effect.never : effect))
    const refused = (reason: string) => Effect.fail(new StorageFailed({ reason }))
    const storage = ActorStorage.of({
      ...memory,
      load: (address) => alive(memory.load(address)),
      list: (prefix, limit, from) => alive(memory.list(prefix, limit, from)),
      commit: (batch) => {
        const commit = Effect.suspend(() => {
          this.commits++
          if (this.refusesCommits) return refused("disk full")
          return Effect.map(memory.commit(batch), (flushed) =>
            alive(Effect.suspend(() => (this.refusesFlushes ? refused("the disk went away") : flushed)))
          )
        })
        return alive(this.commitMs === 0 ? commit : Effect.andThen(Effect.sleep(this.commitMs), commit))
      }
    })
    return Effect.gen(function* () {
      const scope = yield* Scope.make()
      const services = yield* Layer.buildWithScope(
        Layer.provide(ActorSystem.layer(options), Layer.succeed(ActorStorage, storage)),
        scope
      )
      return {
        system: Context.get(services, ActorSystem),
        stop: Scope.close(scope, Exit.void),
        crash: () => void (life.isOver = true)
      }
    })
  }
}
