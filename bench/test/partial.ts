/** A benchmark that leaves a case out; the test of the benches sees that it fails. */
import { check, finish, measure } from "../Measure.ts"

await measure("sum", (operations) => {
  let sum = 0
  for (let i = 0; i < operations; i++) sum += 1
  check("The sum", sum, operations)
})
finish()
