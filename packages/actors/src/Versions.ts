/**
 * The version of a stored value, and how values of older versions become values of the present one.
 *
 * A migration takes the value as it was stored (with a schema its JSON form) and returns the one of the next version, as it would
 * be stored. What is not known is refused and stays as it is: a newer program may have written it.
 */
import { Result } from "effect"
import * as Limits from "./Limits.ts"

/** Migrations by the version that they take. */
export interface Migrations {
  readonly [from: number]: (old: any) => unknown
}

export interface Versions {
  /** That of values stored now: 1 or more. */
  readonly version: number
  readonly migrations: Migrations
}

/**
 * Versions of a definition, 1 without migrations by default. Throws `RangeError` for a version that is not a whole number from 1 to
 * `Limits.versionMax`, and when the migrations do not lead, step by step, to the version before it.
 */
export const make = (version = 1, migrations: Migrations = {}): Versions => {
  if (!Number.isInteger(version) || version < 1 || version > Limits.versionMax)
    throw new RangeError(`version must be a whole number from 1 to ${Limits.versionMax}, not ${version}`)
  const steps = Object.keys(migrations).map(Number)
  const oldest = Math.min(version, ...steps)
  for (const step of steps) {
    if (!Number.isInteger(step) || step < 1 || step >= version)
      throw new RangeError(`a migration from version ${step} leads beyond version ${version}`)
  }
  for (let step = oldest; step < version; step++) {
    if (!(step in migrations)) throw new RangeError(`the migration from version ${step} to ${step + 1} is missing`)
  }
  return { version, migrations: { ...migrations } }
}

/** The value of the present version, or why there is none. */
export const migrate = (
  { migrations, version }: Versions,
  found: number,
  value: unknown
): Result.Result<unknown, string> => {
  if (found > version)
    return Result.fail(`it is of version ${found}, and this program knows ${version}; start the program that wrote it`)
  let current = value
  for (let step = found; step < version; step++) {
    const migration = migrations[step]
    if (migration === undefined)
      return Result.fail(`it is of version ${step}, and the definition has no migration from there`)
    try {
      current = migration(current)
    } catch (cause) {
      return Result.fail(`the migration from version ${step} failed: ${cause instanceof Error ? cause.message : cause}`)
    }
  }
  return Result.succeed(current)
}
