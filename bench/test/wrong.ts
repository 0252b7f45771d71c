/** A benchmark whose result is wrong; the test of the benches sees that it fails. */
import { check, finish, measure } from "../Measure.ts"

await measure("sum", (operations) => check("The sum", operations, operations + 1))
finish()
