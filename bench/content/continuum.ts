/** The outline of some content, which proves each of its groups, and its root. */
import * as Blake3 from "@continuum/mesh/content/Blake3"
import * as VerifiedStream from "@continuum/mesh/content/VerifiedStream"
import { check, finish, measure } from "../Measure.ts"
import { inputs } from "./Inputs.ts"

for (const { content, hash, id } of inputs) {
  await measure(id, (operations) => {
    let result = ""
    for (let i = 0; i < operations; i++) {
      const { hashes } = VerifiedStream.outlineOf(content)
      result = VerifiedStream.hexOf(hashes.length === Blake3.hashBytes ? hashes : Blake3.rootOf(hashes))
    }
    check(id, result, hash)
  })
}
finish()
