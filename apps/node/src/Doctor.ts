/**
 * Looks at everything that can be wrong with a node and says what to do about it. Each check stands alone: one that
 * fails by itself becomes a finding, and the others still run.
 */
import { ActorSystem } from "@continuum/actors/ActorSystem"
import * as ContentId from "@continuum/core/ContentId"
import * as ContentStore from "@continuum/core/ContentStore"
import { Backend, collect } from "@continuum/genome/backend/Backend"
import type { DoctorCheck, DoctorReport } from "@continuum/core/rpc"
import { Cause, Context, Effect, FileSystem, Layer, Path } from "effect"
import { statfs } from "node:fs/promises"
import { isLoopback } from "./http/Guard.ts"
import { Home } from "./Home.ts"
import { Layers } from "./Layers.ts"
import { LogBook } from "./LogBook.ts"
import { Model } from "./Model.ts"
import { NodeConfig } from "./NodeConfig.ts"
import { NodeMesh } from "./NodeMesh.ts"
import { Proof } from "./Proof.ts"

/** Below this the state database and its backup may soon have no room. Chosen, not measured. */
const freeBytesMin = 500_000_000

export class Doctor extends Context.Service<Doctor, { readonly report: Effect.Effect<DoctorReport> }>()(
  "@continuum/node/Doctor"
) {}

/** What a check found, without its name. */
type Finding = Omit<DoctorCheck, "name">

const fine = (detail: string): Finding => ({ ok: true, detail })
const wrong = (detail: string, fix: string): Finding => ({ ok: false, detail, fix })

export const layer = Layer.effect(
  Doctor,
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const { settings } = yield* NodeConfig
    const home = yield* Home
    const system = yield* ActorSystem
    const store = yield* ContentStore.ContentStore
    const proof = yield* Proof
    const mesh = yield* NodeMesh
    const model = yield* Model
    const layers = yield* Layers
    const backend = yield* Backend
    const logBook = yield* LogBook

    const secrets = Effect.gen(function* () {
      for (const [file, allowed] of [
        [home.path, 0o700],
        [path.join(home.path, "identity"), 0o600],
        [home.apiKeyPath, 0o600]
      ] as const) {
        const { mode } = yield* fs.stat(file)
        if ((mode & 0o077) !== 0) {
          return wrong(
            `${file} can be read by others (mode ${(mode & 0o777).toString(8)})`,
            `chmod ${allowed.toString(8)} '${file}'`
          )
        }
      }
      return fine("the home is 0700, identity and API key are 0600")
    })

    const disk = Effect.promise(() => statfs(home.path)).pipe(
      Effect.map(({ bavail, bsize }) => {
        const free = bavail * bsize
        const text = `${(free / 1e9).toFixed(1)} GB free at ${home.path}`
        return free >= freeBytesMin ? fine(text) : wrong(text, "free some space, or move the home with --home DIR")
      })
    )

    const state = Effect.gen(function* () {
      const report = system.openReport
      if (report === undefined || report.losses.length === 0) {
        return fine(report?.cleanStop === false ? "checked after an unclean stop, nothing was lost" : "opened cleanly")
      }
      // Each loss is a sentence that says what was damaged or missing, and what took its place.
      return wrong(
        report.losses.map((loss) => loss.trim()).join(" "),
        `check the disk; what was damaged is kept in ${home.statePath}`
      )
    })

    const records = Effect.map(system.quarantined, (records) =>
      records.length === 0
        ? fine("no damaged records")
        : wrong(
            `${records.length} damaged: ${records.map(({ address, reason }) => `${address} (${reason})`).join(", ")}`,
            `actors/restart ADDRESS starts one anew from its initial state`
          )
    )

    const failing = Effect.map(system.list(), (actors) => {
      const stopped = actors.filter((one) => one.state === "stopped" || one.state === "restarting")
      return stopped.length === 0
        ? fine(`${actors.length} actors, all well`)
        : wrong(
            stopped.map(({ address, state }) => `${address} is ${state}`).join(", "),
            "actors/inspect ADDRESS shows why; actors/restart ADDRESS starts it again"
          )
    })

    const content = Effect.gen(function* () {
      const probe = new TextEncoder().encode("continuum doctor")
      const id = yield* store.put(probe)
      const read = yield* store.get(id)
      yield* store.remove(id)
      const ids = yield* store.list
      return ContentId.verify(id, read)
        ? fine(`${ids.length} blobs, writing and reading work`)
        : wrong("what was written reads back changed", `check the disk under ${home.contentPath}`)
    }).pipe(Effect.catch((error) => Effect.succeed(wrong(error.message, `check the disk under ${home.contentPath}`))))

    const functions = proof.pipe(
      Effect.map(({ text, holds }) => (holds ? fine(text) : wrong(text, "report this, with the logs"))),
      Effect.catch((error) =>
        Effect.succeed(wrong(error.message, "see logs; compilers run in child processes of the node's own runtime"))
      )
    )

    const answers = Effect.gen(function* () {
      yield* model.ready
      const { base, contextTokens } = yield* backend.capabilities
      const known = (yield* layers.known).filter(({ otherBase }) => otherBase === undefined)
      const loaded = yield* backend.loaded
      const { usage } = yield* collect(backend.generate({ turns: [{ role: "user", content: "1+1=" }], tokensMax: 1 }))
      return fine(
        `${base} answers after ${Math.round(usage.ttftMs)} ms; ${known.length} layers, ${loaded.length} of them in the engine; ` +
          `context ${contextTokens} tokens`
      )
    }).pipe(
      Effect.catch((error) =>
        Effect.succeed(
          wrong(error.message, "see logs; put back the files of --model, or install again where it is the tiny model")
        )
      )
    )

    const network = Effect.succeed(
      isLoopback(settings.host)
        ? fine(`listens on ${settings.host}, for this machine only`)
        : fine(`listens on ${settings.host}: other machines reach it, every client needs the key`)
    )

    const meshCheck = Effect.gen(function* () {
      const { listening, state, transport } = yield* mesh.summary
      if (state === "off") return fine("offline, as it was started")
      const problems = yield* mesh.problems
      if (problems.length > 0) {
        return wrong(
          problems.join("; "),
          "mend what it says; logs tell more. Its report ends ten minutes after it happened last"
        )
      }
      if (state === "starting") return fine("still starting")
      const peers = yield* mesh.peers
      const count = peers.filter(({ connected }) => connected).length
      const more = [yield* mesh.restarts, yield* mesh.strangers].filter((text) => text !== undefined)
      return fine(
        [`${transport} at UDP ${listening}, ${count} of ${peers.length} known peers connected`, ...more].join("; ")
      )
    })

    const logs = Effect.map(logBook.dropped, (dropped) =>
      dropped === 0
        ? fine(`written to ${home.logsPath}`)
        : wrong(`${dropped} lines could not be written`, `check the disk under ${home.logsPath}`)
    )

    const checks = {
      secrets,
      disk,
      state,
      records,
      actors: failing,
      content,
      functions,
      model: answers,
      network,
      mesh: meshCheck,
      logs
    }

    const report = Effect.gen(function* () {
      const found = yield* Effect.forEach(
        Object.entries<Effect.Effect<Finding, unknown>>(checks),
        ([name, check]) =>
          check.pipe(
            Effect.catchCause((cause) =>
              Effect.succeed(wrong(`the check itself failed: ${Cause.pretty(cause)}`, "report this, with the logs"))
            ),
            Effect.map((finding): DoctorCheck => ({ name, ...finding }))
          ),
        { concurrency: "unbounded" }
      )
      return { ok: found.every(({ ok }) => ok), checks: found }
    })

    return { report }
  })
)
