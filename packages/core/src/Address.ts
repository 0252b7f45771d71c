/**
 * An address names an actor, wherever it lives: `continuum://<realm>/<kind>/<name>`.
 *
 * The realm is a trust domain: `local` (this node), `*` (whoever offers it; stateless kinds only), a petname, or an
 * Ed25519 public key in z-base-32. Text is the canonical form: two addresses are the same exactly when their
 * texts are equal, so an address can be a map key and a database key as it stands.
 */
import { Effect, Schema, SchemaIssue, SchemaTransformation } from "effect"
import { addressBytesMax, addressSegmentBytesMax } from "./Limits.ts"

/** The text is no address. `reason` says which part is wrong and what would be right. */
export class AddressMalformed extends Schema.TaggedError<AddressMalformed>()("AddressMalformed", {
  input: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `"${this.input}" is not an address: ${this.reason}. An address looks like continuum://local/counter/cart-42`
  }
}

/** Parsed parts of an address. `name` is plain text (spaces allowed); in the text form it is percent-encoded. */
export interface Address {
  /** `local`, `*`, a petname of a-z 0-9 and `-`, or 52 characters of z-base-32. */
  readonly realm: string
  /** Actor type: `persona`, `layer`, `module`, `service` or a type that a user defines; a-z 0-9 and `-`. */
  readonly kind: string
  /** Any text of 1 to 255 bytes once percent-encoded. */
  readonly name: string
}

/** The realm that means "this node" until an envelope leaves it. */
export const localRealm = "local"
/** The realm that means "whoever offers it". */
export const anyRealm = "*"

const scheme = "continuum://"
const realmPattern = /^(?:\*|[a-z0-9](?:[a-z0-9-]{0,62}))$/
const kindPattern = /^[a-z][a-z0-9-]{0,62}$/

/** Builds an address from parts that the program itself wrote. Throws `AddressMalformed` for parts that cannot be one. */
export const make = (kind: string, name: string, realm: string = localRealm): Address => {
  const address = { realm, kind, name }
  const reason = problemOf(address)
  if (reason !== undefined) throw new AddressMalformed({ input: `${scheme}${realm}/${kind}/${name}`, reason })
  return address
}

/** The canonical text. */
export const format = (address: Address): string =>
  `${scheme}${address.realm}/${address.kind}/${encodeURIComponent(address.name)}`

/** Reads the canonical text. Fails with `AddressMalformed`. */
export const parse = (input: string): Effect.Effect<Address, AddressMalformed> =>
  Effect.suspend(() => {
    const parsed = parseParts(input)
    return typeof parsed === "string"
      ? Effect.fail(new AddressMalformed({ input: input.slice(0, addressBytesMax), reason: parsed }))
      : Effect.succeed(parsed)
  })

/** `Address` as data, encoded as its text. */
export const FromString: Schema.Codec<Address, string> = Schema.String.pipe(
  Schema.decodeTo(
    Schema.Struct({ realm: Schema.String, kind: Schema.String, name: Schema.String }),
    SchemaTransformation.transformEffect({
      decode: (input: string, options) => {
        const parsed = parseParts(input)
        return typeof parsed === "string"
          ? Effect.fail(new SchemaIssue.InvalidValue({ expected: `an address (${parsed})` }, input, options))
          : Effect.succeed(parsed)
      },
      encode: (address: Address) => Effect.succeed(format(address))
    })
  )
)

/** Reads the canonical text where no Effect is wanted: the parts, or the reason why there are none. */
export const parseParts = (input: string): Address | string => {
  if (input.length > addressBytesMax) return `it is longer than ${addressBytesMax} characters`
  if (!input.startsWith(scheme)) return `it does not begin with ${scheme}`
  const parts = input.slice(scheme.length).split("/")
  if (parts.length !== 3) return `it needs realm, kind and name, and has ${parts.length} of these 3 parts`
  let name: string
  try {
    name = decodeURIComponent(parts[2]!)
  } catch {
    return "its name has a % that is not followed by two hexadecimal digits of UTF-8"
  }
  const address = { realm: parts[0]!, kind: parts[1]!, name }
  const problem = problemOf(address)
  if (problem !== undefined) return problem
  return encodeURIComponent(name) === parts[2] ? address : `its name must be written ${encodeURIComponent(name)}`
}

const problemOf = (address: Address): string | undefined => {
  if (!realmPattern.test(address.realm)) return `its realm "${address.realm}" is not a key, a petname, "local" or "*"`
  if (!kindPattern.test(address.kind))
    return `its kind "${address.kind}" must be a-z, 0-9 and "-", beginning with a letter`
  if (address.name.length === 0) return "its name is empty"
  if (!address.name.isWellFormed()) return "its name is not well-formed Unicode"
  if (encodeURIComponent(address.name).length > addressSegmentBytesMax) {
    return `its name is longer than ${addressSegmentBytesMax} bytes`
  }
  return undefined
}
