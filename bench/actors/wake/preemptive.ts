/** The one that is woken has a higher priority than those that are busy, which have three different ones. */
import { measureWakes } from "./Wake.ts"

await measureWakes({ woken: 255, busy: [96, 128, 160] })
