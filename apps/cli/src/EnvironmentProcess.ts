/**
 * `Environment` of this process.
 */
import { Effect, Layer } from "effect"
import { PermissionMissing } from "./CliError.ts"
import * as DenoPermissions from "./DenoPermissions.ts"
import { Environment } from "./NodeTarget.ts"

/** `argv` is repeated in the command that grants what is missing. */
export const layer = (argv: ReadonlyArray<string>): Layer.Layer<Environment> =>
  Layer.succeed(Environment, {
    variable: (name) => process.env[name],
    demand: (wanted) =>
      Effect.suspend(() => {
        if (DenoPermissions.request(wanted).length === 0) return Effect.void
        // All that is missing at once, so that nobody has to come back three times.
        const kinds = new Set(wanted.map(({ kind }) => kind))
        const others = DenoPermissions.all.filter(({ kind }) => !kinds.has(kind))
        const missing = DenoPermissions.missing([...wanted, ...others])
        return Effect.fail(
          new PermissionMissing({
            missing: missing.map(({ kind, what }) => [kind, ...(what ?? [])].join(" ")),
            command: DenoPermissions.command(missing, argv),
            explanation: DenoPermissions.explain(missing, argv)
          })
        )
      })
  })
