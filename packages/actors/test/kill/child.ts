/** A process that counts until it is killed, in the directory that its argument names. */
import { countForEver } from "./Counting.ts"

await countForEver(process.argv[2]!)
