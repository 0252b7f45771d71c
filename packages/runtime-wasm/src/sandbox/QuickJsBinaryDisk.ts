/**
 * Finds the WebAssembly binary of QuickJS among the installed packages. The node reads it and hands it to its sandbox
 * children, which may read no files.
 */
import { Effect } from "effect"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"

const path = createRequire(import.meta.url).resolve("@jitl/quickjs-wasmfile-release-sync/wasm")

/** The bytes of the binary: 0.5 MB. Dies when they cannot be read, since the package is then not installed whole. */
export const read: Effect.Effect<Uint8Array> = Effect.promise(() => readFile(path))
