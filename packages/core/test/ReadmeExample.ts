import * as Address from "@continuum/core/Address"
import * as Codec from "@continuum/core/Codec"
import * as ContentId from "@continuum/core/ContentId"
import * as DeterministicMath from "@continuum/core/DeterministicMath"
import * as Identity from "@continuum/core/Identity"
import { Effect } from "effect"

const program = Effect.gen(function* () {
  // One text names an actor, wherever it lives.
  const address = yield* Address.parse("continuum://local/persona/Teacher%20AI")
  console.log(address.kind, "|", address.name)

  // Bytes are named by their BLAKE3 hash, as b3sum prints it.
  console.log(ContentId.of("hello").slice(0, 16))

  // What others must believe is signed; the secret never prints.
  const { node } = yield* Identity.generate
  const bytes = Codec.encode({ ask: "add", n: 1, at: Address.format(address) })
  const signature = Identity.sign(node, bytes)
  console.log(Identity.verify(node.publicKey, bytes, signature), String(node.secret))

  // What arrives is decoded with a typed error, whatever it is.
  const error = yield* Effect.flip(Codec.decode(Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff)))
  console.log(error._tag)

  // Where bits must agree between machines, Math.exp does not do.
  console.log(DeterministicMath.exp(1))
})

Effect.runSync(program)
