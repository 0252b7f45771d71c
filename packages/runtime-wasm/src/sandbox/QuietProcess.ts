/**
 * Imported before anything else in a sandbox child: keeps standard output for frames alone. What a library prints
 * (asc, binaryen and QuickJS do, now and then) is dropped instead of being taken for a frame.
 */
import process from "node:process"

/** Writes to the real standard output. */
export const write: (bytes: Uint8Array) => void = process.stdout.write.bind(process.stdout)

const drop = () => {}
for (const name of ["log", "info", "warn", "error", "debug", "trace", "table", "dir"] as const) console[name] = drop
process.stdout.write = () => true
process.stderr.write = () => true
