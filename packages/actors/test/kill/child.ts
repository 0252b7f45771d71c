/** A process that counts until it kills itself in the middle of a commit, as its arguments say. */
import * as process from "node:process"
import { countUntilKilled } from "./Counting.ts"

await countUntilKilled(process.argv.slice(2))
