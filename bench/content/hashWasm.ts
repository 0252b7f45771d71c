/** The same content through hash-wasm, by an instance that is kept. */
import { createBLAKE3 } from "hash-wasm"
import { check, finish, measure } from "../Measure.ts"
import { inputs } from "./Inputs.ts"

const hasher = await createBLAKE3()
for (const { content, hash, id } of inputs) {
  await measure(id, (operations) => {
    let result = ""
    for (let i = 0; i < operations; i++) {
      hasher.init()
      hasher.update(content)
      result = hasher.digest("hex")
    }
    check(id, result, hash)
  })
}
finish()
