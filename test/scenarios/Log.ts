/**
 * An actor with a journal for the scenarios, which says on which node it runs.
 */
import * as Actor from "@continuum/actors/Actor"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const Text = Schema.String

const LogRpcs = RpcGroup.make(
  Rpc.make("add", { payload: Text, success: Schema.Int }),
  Rpc.make("get", { success: Schema.Array(Text) }),
  Rpc.make("where", { success: Text })
)

/** The definition that a node registers. Snapshots come often, so that a short test sees some. */
export const logOf = (node: string) =>
  Actor.fromRpcs(
    "log",
    LogRpcs,
    {
      state: { schema: Schema.Array(Text), initial: [] as ReadonlyArray<string> },
      handlers: {
        add: (_, text) => Actor.emit(text, (log: ReadonlyArray<string>) => log.length),
        get: (log) => Actor.reply(log, log),
        where: (log) => Actor.reply(log, node)
      }
    },
    {
      journal: {
        apply: (log: ReadonlyArray<string>, text: string) => [...log, text],
        schema: Text,
        snapshotEvery: 4,
        keep: 100
      }
    }
  )
