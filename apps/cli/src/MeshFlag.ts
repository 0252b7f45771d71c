/** The flag `--mesh`: which node a command is about. */
import { Option } from "effect"
import * as Flag from "effect/cli/Flag"

/** `what` begins its description, such as "Where to run it". */
export const make = (what: string) =>
  Flag.String("mesh").pipe(
    Flag.withMetavar("NODE"),
    Flag.optional,
    Flag.withDescription(`${what}: local, or a peer by its name or public key (default: local)`)
  )

/** The field of a call. */
export const payload = (mesh: Option.Option<string>): { readonly mesh?: string } =>
  Option.match(mesh, { onNone: () => ({}), onSome: (mesh) => ({ mesh }) })
