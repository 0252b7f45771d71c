/**
 * What moving content must do alike on Bun, Deno and Node: the same WebAssembly, the same hashes and chaining values on
 * vectors and on words, the same refusals, and a transfer that ends in the same bytes.
 */
import * as ContentId from "@continuum/core/ContentId"
import { Effect } from "effect"
import * as Blake3 from "@continuum/mesh/content/Blake3"
import * as Blake3Code from "@continuum/mesh/content/Blake3Code"
import * as VerifiedStream from "@continuum/mesh/content/VerifiedStream"
import { check, report } from "../../../core/test/Conformance.ts"
import * as Blake3Vectors from "../../../core/test/vectors/Blake3Vectors.ts"
import { connect, contentOf, lyingGroups, makeNode, put } from "../content/Network.ts"

const { groupBytes } = Blake3
const same = (name: string, found: unknown, expected: unknown) =>
  check(name, () => {
    if (found !== expected) throw new Error(`found ${found}`)
  })

await same(
  "the module of vectors is the same everywhere",
  ContentId.of(Blake3Code.emit(true)),
  "5db36c15868ef7fd6ae3c4c657a1910fe7f1ba61b43d729f7a14ec91840b2773"
)
await same(
  "the module of words is the same everywhere",
  ContentId.of(Blake3Code.emit(false)),
  "2c18b3d69f6275c4fe7d5a4de6b22792f8ed837fc0f51ec001a303596fcb00cc"
)
await check("this engine has vectors", () => WebAssembly.validate(Blake3Code.emit(true)))

const instances = [Blake3.make(true), Blake3.make(false)]
for (const [length, hash] of Blake3Vectors.vectors) {
  await check(`BLAKE3 of ${length} bytes`, () =>
    instances.every(({ group }) => VerifiedStream.hexOf(group(Blake3Vectors.inputOf(length), 0, true)) === hash)
  )
}

const lengths = [0, 1, 65, 1025, groupBytes - 1, groupBytes, groupBytes + 1, 3 * groupBytes, 11 * groupBytes + 4_321]
for (const length of lengths) {
  const content = contentOf(length + 1, length)
  const id = ContentId.of(content)
  const outline = VerifiedStream.outlineOf(content)
  const groups = VerifiedStream.groupsOf(length)
  const begin = () => VerifiedStream.assemble(id, outline, VerifiedStream.groupOf(content, groups - 1))

  await check(`content of ${length} bytes is put together from its groups`, () => {
    const assembly = begin()
    for (let index = 0; index < groups; index++) assembly.add(index, VerifiedStream.groupOf(content, index))
    return ContentId.of(assembly.content()) === id
  })
  await check(`a false group of ${length} bytes is refused`, () => {
    const assembly = groups > 1 ? begin() : undefined
    const bytes = VerifiedStream.groupOf(content, 0)
    const bad = bytes.length === 0 ? new Uint8Array(1) : bytes.with(bytes.length - 1, bytes.at(-1)! ^ 128)
    try {
      if (assembly === undefined) VerifiedStream.assemble(id, outline, bad)
      else assembly.add(0, bad)
    } catch (error) {
      return error instanceof VerifiedStream.ContentForged
    }
    return false
  })
}

await check("a transfer brings content past a liar", () =>
  Effect.gen(function* () {
    const [here, liar, honest] = [yield* makeNode(1), yield* makeNode(2), yield* makeNode(3)]
    yield* connect(here, liar, { b: { tamper: lyingGroups } })
    yield* connect(here, honest, { b: { latencyMs: 20 } })
    const content = contentOf(1, 10 * groupBytes)
    const id = yield* put(liar, content)
    yield* put(honest, content)
    yield* here.mesh.routing.fetch(id)
    return ContentId.verify(id, yield* here.store.get(id))
  }).pipe(Effect.scoped, Effect.runPromise)
)

report()
