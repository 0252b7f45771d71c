/** All programs of the group. */
import { banking } from "./Banking.ts"
import { barber } from "./Barber.ts"
import { big } from "./Big.ts"
import { boundedBuffer } from "./BoundedBuffer.ts"
import { chameneos } from "./Chameneos.ts"
import { cigaretteSmokers } from "./CigaretteSmokers.ts"
import { concurrentDictionary } from "./ConcurrentDictionary.ts"
import { count } from "./Count.ts"
import { createStop } from "./CreateStop.ts"
import { forkJoinCreate } from "./ForkJoinCreate.ts"
import { forkJoinThroughput } from "./ForkJoinThroughput.ts"
import type { Program } from "./Library.ts"
import { dining } from "./Philosophers.ts"
import { pingPong } from "./PingPong.ts"
import { sieve } from "./Sieve.ts"
import { threadRing } from "./ThreadRing.ts"

export const programs: ReadonlyArray<Program> = [
  pingPong,
  count,
  forkJoinCreate,
  createStop,
  forkJoinThroughput,
  threadRing,
  chameneos,
  big,
  concurrentDictionary,
  boundedBuffer,
  dining,
  barber,
  cigaretteSmokers,
  banking,
  sieve
]
