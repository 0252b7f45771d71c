/**
 * Where a layer is, in words of virtual memory.
 */
import { Schema } from "effect"

/** `cold`: in the store alone. `warm`: in memory. `hot`: in the engine. */
export const Temperature = Schema.Literals(["cold", "warm", "hot"])
export type Temperature = typeof Temperature.Type
