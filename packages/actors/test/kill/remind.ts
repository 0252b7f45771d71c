/** A process that waits for its reminder until it is killed, in the directory that its argument names. */
import { remindForEver } from "./Reminding.ts"

await remindForEver(process.argv[2]!)
