/**
 * Which node to talk to, and with which key. From the nearest to the farthest: the flag, the variable, what the node
 * itself wrote into its data folder.
 *
 * The key of a data folder is sent to the node that owns the folder, to this machine's loopback, or where the user put
 * `--home` beside `--node`; never to another host that only a URL names, since whoever is there could use it here.
 */
import { Context, Effect, FileSystem, Option, Path, Redacted, Schema } from "effect"
import { KeyMalformed, NodeNotRunning, type PermissionMissing, UrlMalformed } from "./CliError.ts"
import * as DenoPermissions from "./DenoPermissions.ts"
import * as GlobalFlags from "./GlobalFlags.ts"

export interface NodeTarget {
  readonly url: string
  readonly apiKey: Redacted.Redacted<string> | undefined
  /** Where the key is from, or why there is none, for the message when it is refused. */
  readonly keyFrom: string
  /** The file by which the node was found. Absent when a URL was given. */
  readonly nodeFile?: string
  /** The process that the node's file names. */
  readonly pid?: number
}

/** The variables of this process, and how Deno's permissions are asked for. */
export class Environment extends Context.Service<
  Environment,
  {
    readonly variable: (name: string) => string | undefined
    readonly demand: (wanted: ReadonlyArray<DenoPermissions.Permission>) => Effect.Effect<void, PermissionMissing>
  }
>()("@continuum/cli/Environment") {}

/** What a node writes into `<home>/node.json` while it is ready. */
const NodeFile = Schema.fromJsonString(Schema.Struct({ url: Schema.String, pid: Schema.Int }))

interface Announced {
  readonly url: string
  readonly nodeFile: string
  readonly pid: number
}

/** Finds the node that the flags and variables name. Does not talk to it. */
export const resolve = Effect.gen(function* () {
  const { demand, variable } = yield* Environment
  const path = yield* Path.Path
  const homeFlag = Option.getOrUndefined(yield* GlobalFlags.Home)
  yield* demand([DenoPermissions.environment])

  const given = yield* givenUrl
  const keyVariable = nonEmpty(variable("CONTINUUM_API_KEY")?.trim())
  // A header could not carry it, or the node would hang up on it.
  if (keyVariable !== undefined && !keyPattern.test(keyVariable)) {
    return yield* new KeyMalformed({ where: "CONTINUUM_API_KEY" })
  }
  const user = nonEmpty(variable("HOME"))
  const home =
    homeFlag ?? nonEmpty(variable("CONTINUUM_HOME")) ?? (user === undefined ? undefined : path.join(user, ".continuum"))

  const needsHome = home !== undefined && (given === undefined || keyVariable === undefined)
  if (needsHome) yield* demand([{ kind: "read", what: [home] }])
  const announced = needsHome ? yield* announcedIn(home) : undefined
  const url = given ?? announced?.url
  if (url === undefined) {
    return yield* new NodeNotRunning({
      reason:
        home === undefined
          ? "no home folder is known (HOME is not set) and no --node was given"
          : `${path.join(home, "node.json")} does not exist or names no node`
    })
  }
  yield* demand([{ kind: "net", what: [new URL(url).host] }])

  const mayUseHome = isLoopback(url) || url === announced?.url || homeFlag !== undefined
  const key =
    keyVariable === undefined
      ? yield* keyIn(home, mayUseHome)
      : { apiKey: Redacted.make(keyVariable), keyFrom: "from CONTINUUM_API_KEY" }
  return { ...key, ...(given === undefined ? announced : undefined), url }
})

/** The URL that the user gave, by flag or variable. */
const givenUrl = Effect.gen(function* () {
  const { variable } = yield* Environment
  const flag = Option.getOrUndefined(yield* GlobalFlags.NodeUrl)
  if (flag !== undefined) return yield* readUrl("--node", flag)
  const input = nonEmpty(variable("CONTINUUM_NODE"))
  return input === undefined ? undefined : yield* readUrl("CONTINUUM_NODE", input)
})

/** The node that announced itself in a data folder, if the file is there and makes sense. */
const announcedIn = Effect.fnUntraced(function* (home: string) {
  const fs = yield* FileSystem.FileSystem
  const nodeFile = (yield* Path.Path).join(home, "node.json")
  return yield* fs.readFileString(nodeFile).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(NodeFile)),
    Effect.flatMap(({ pid, url }) => Effect.map(readUrl(nodeFile, url), (url): Announced => ({ url, nodeFile, pid }))),
    Effect.orElseSucceed(() => undefined)
  )
})

/** The key of a data folder, or why there is none. */
const keyIn = Effect.fnUntraced(function* (home: string | undefined, mayUseHome: boolean) {
  const none = (why: string) => ({ apiKey: undefined, keyFrom: `none: ${why}` })
  if (home === undefined) return none("CONTINUUM_API_KEY and HOME are not set")
  const fs = yield* FileSystem.FileSystem
  const file = (yield* Path.Path).join(home, "api-key")
  if (!mayUseHome) return none(`${file} was not sent, because it belongs to this machine's node. Set CONTINUUM_API_KEY`)
  return yield* fs.readFileString(file).pipe(
    Effect.map((text) => ({ apiKey: Redacted.make(text.trim()), keyFrom: `from ${file}` })),
    Effect.orElseSucceed(() => none(`${file} cannot be read, and CONTINUUM_API_KEY is not set`))
  )
})

/** Keys have 43 characters; others may be set by hand. Chosen, not measured. */
const keyPattern = /^[\w-]{1,256}$/

/** A URL as people write it: `http://` and the trailing slash may be left out. Fails with `UrlMalformed`. */
export const readUrl = (where: string, input: string): Effect.Effect<string, UrlMalformed> => {
  const text = input.includes("://") ? input : `http://${input}`
  const url = URL.parse(text)
  return url !== null && isNode(url) && !isSlip(input)
    ? Effect.succeed(text.replace(/\/+$/, ""))
    : Effect.fail(new UrlMalformed({ where, input }))
}

/** Whether a node can be at a URL. Its key is no password, and a query would be lost on the way. */
const isNode = ({ hash, hostname, protocol, search, username }: URL): boolean =>
  /^https?:$/.test(protocol) && hostname !== "" && username === "" && search === "" && hash === ""

/** A port without its host, and a URL that lost a slash: both would name hosts that nobody meant. */
const isSlip = (input: string): boolean => /^\d+$|^https?:(?!\/\/)/.test(input)

const isLoopback = (url: string): boolean => {
  const { hostname } = new URL(url)
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

const nonEmpty = (text: string | undefined): string | undefined => (text === "" ? undefined : text)
