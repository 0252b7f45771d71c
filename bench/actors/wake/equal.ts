/** All have the same priority: whoever wakes waits for its turn. */
import { measureWakes } from "./Wake.ts"

await measureWakes({ woken: 128, busy: [128, 128, 128] })
