/**
 * The data folder of a node, `<home>/`: only its owner can read it, only one node at a time uses it, and its secrets
 * (`identity`, `api-key`) are files of mode 0600 that are made on first start and never logged.
 */
import * as Identity from "@continuum/core/Identity"
import * as ProcessLock from "@continuum/core/ProcessLockDisk"
import * as WholeFile from "@continuum/core/WholeFileDisk"
import { Context, Effect, FileSystem, Layer, Path, Redacted, Schema, type Scope } from "effect"
import { randomBytes } from "node:crypto"
import { NodeConfig } from "./NodeConfig.ts"
import * as OsError from "./OsError.ts"

/** The data folder cannot be used. */
export class HomeUnusable extends Schema.TaggedError<HomeUnusable>()("HomeUnusable", {
  home: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The data folder ${this.home} cannot be used: ${this.reason}. Choose another with --home DIR`
  }
}

/** A living node already uses the data folder. */
export class HomeInUse extends Schema.TaggedError<HomeInUse>()("HomeInUse", {
  home: Schema.String,
  pid: Schema.Int,
  /** Name and URL of the node there, as far as it said. */
  node: Schema.String
}) {
  override get message() {
    return (
      `${this.node} (process ${this.pid}) already uses ${this.home}. ` +
      "Stop it with: ./jtag down - or start this one with another --home DIR and --port 0"
    )
  }
}

/** What `<home>/node.json` holds while a node is ready. */
export const NodeFile = Schema.fromJsonString(
  Schema.Struct({ pid: Schema.Int, url: Schema.String, publicKey: Schema.String, name: Schema.String })
)

/** How far a node is: `ok` means ready for every call. */
export type Phase = "starting" | "ok" | "stopping"

export class Home extends Context.Service<
  Home,
  {
    readonly path: string
    /** Whether this start made the folder. */
    readonly isNew: boolean
    readonly identity: Identity.Identity
    readonly apiKey: Redacted.Redacted<string>
    readonly apiKeyPath: string
    readonly statePath: string
    /** Where backups of the state go unless their owner says otherwise. */
    readonly backupsPath: string
    readonly contentPath: string
    readonly layersPath: string
    readonly logsPath: string
    /** What peers may do here: 0600, because who may run code on a machine is nobody else's business. */
    readonly grantsPath: string
    /** Writes `node.json`, by which clients find the node. It is ready until the scope closes. */
    readonly announce: (file: typeof NodeFile.Type) => Effect.Effect<void, HomeUnusable, Scope.Scope>
    readonly phase: () => Phase
  }
>()("@continuum/node/Home") {}

const make = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const { settings } = yield* NodeConfig
  const home = settings.home
  const unusable = (error: unknown) => new HomeUnusable({ home, reason: OsError.describe(error) })
  const inHome = (name: string) => path.join(home, name)
  const writeWhole = (file: string, text: string) =>
    WholeFile.write(file, text).pipe(Effect.provideService(FileSystem.FileSystem, fs))

  const isNew = !(yield* fs.exists(home).pipe(Effect.mapError(unusable)))
  yield* fs.makeDirectory(home, { recursive: true, mode: 0o700 }).pipe(Effect.mapError(unusable))
  // Its mode is about to change: never that of a folder which somebody uses for something else.
  const foreign = (yield* fs.readDirectory(home).pipe(Effect.mapError(unusable))).find((name) => !isOwn(name))
  if (foreign !== undefined) {
    return yield* new HomeUnusable({ home, reason: `it holds "${foreign}", so it is no data folder of a node` })
  }
  yield* ProcessLock.acquire(inHome("lock")).pipe(
    Effect.catchTags({
      LockNotWritable: (error) => Effect.fail(unusable(error)),
      LockHeld: ({ pid }) =>
        fs.readFileString(inHome("node.json")).pipe(
          Effect.flatMap(Schema.decodeUnknownEffect(NodeFile)),
          Effect.map(({ name, url }) => `The node "${name}" at ${url}`),
          Effect.catch(() => Effect.succeed("Another node, which is still starting,")),
          Effect.flatMap((node) => Effect.fail(new HomeInUse({ home, pid, node })))
        )
    })
  )
  yield* fs.chmod(home, 0o700).pipe(Effect.mapError(unusable))
  for (const folder of ["state", "content", "layers", "logs"]) {
    yield* fs.makeDirectory(inHome(folder), { recursive: true, mode: 0o700 }).pipe(Effect.mapError(unusable))
  }
  // A node that was killed leaves its node.json behind; whoever reads it now would call a dead process.
  yield* fs.remove(inHome("node.json"), { force: true }).pipe(Effect.mapError(unusable))

  /** Reads a secret file, or makes it. A file that others can read is closed again. */
  const secretFile = Effect.fnUntraced(function* (name: string, make: Effect.Effect<string>) {
    const file = inHome(name)
    if (!(yield* fs.exists(file))) {
      yield* writeWhole(file, yield* make)
    }
    yield* fs.chmod(file, 0o600)
    return yield* fs.readFileString(file)
  }, Effect.mapError(unusable))

  const identity = yield* secretFile("identity", Effect.map(Identity.generate, Identity.toFile)).pipe(
    Effect.flatMap(Identity.fromFile),
    Effect.catchTag("IdentityMalformed", (error) =>
      Effect.fail(
        new HomeUnusable({
          home,
          reason: `${inHome("identity")}: ${error.message}. Restore it from a copy, or move it away to become a new node`
        })
      )
    )
  )
  const apiKey = (yield* secretFile(
    "api-key",
    Effect.sync(() => `${randomBytes(32).toString("base64url")}\n`)
  )).trim()
  if (!apiKeyPattern.test(apiKey)) {
    return yield* new HomeUnusable({
      home,
      reason: `${inHome("api-key")} is not a key (22 or more of A-Z a-z 0-9 - and _); remove it to get a new one`
    })
  }

  let phase: Phase = "starting"
  const announce = Effect.fnUntraced(function* (file: typeof NodeFile.Type) {
    const text = yield* Effect.orDie(Schema.encodeEffect(NodeFile)(file))
    yield* Effect.addFinalizer(() => Effect.sync(() => void (phase = "stopping")))
    yield* Effect.mapError(writeWhole(inHome("node.json"), `${text}\n`), unusable)
    phase = "ok"
  })
  yield* Effect.addFinalizer(() => Effect.ignore(fs.remove(inHome("node.json"), { force: true })))

  return {
    path: home,
    isNew,
    identity,
    apiKey: Redacted.make(apiKey),
    apiKeyPath: inHome("api-key"),
    statePath: inHome("state"),
    backupsPath: inHome("backups"),
    contentPath: inHome("content"),
    layersPath: inHome("layers"),
    logsPath: inHome("logs"),
    grantsPath: inHome("peers.json"),
    announce,
    phase: () => phase
  }
})

// 128 bits in base64url: below that a key can be guessed, and other characters do not fit into a header.
const apiKeyPattern = /^[\w-]{22,}$/

/** Whether a file in the home is one that a node makes, or that belongs to its setting up. */
const isOwn = (name: string): boolean =>
  /^(identity|api-key|node\.json|peers\.json|lock|continuum\.toml|state|backups|content|layers|logs|lost\+found)(\.|$)/.test(
    name
  ) || name.startsWith(".")

export const layer = Layer.effect(Home, make)
