/**
 * Modules that come as WebAssembly, in text or binary: checked against the policy, and given a manifest that is inferred
 * from what they export. They keep their bytes; rewriting happens when a node loads them.
 */
import * as ContentId from "@continuum/core/ContentId"
import { ModuleMalformed, SourceMalformed } from "../JitError.ts"
import * as Manifest from "../Manifest.ts"
import * as Rewrite from "../rewrite/Rewrite.ts"
import type { Compiler } from "./Compiler.ts"
import * as Wat from "./Wat.ts"

export const wasm: Compiler = {
  lang: "wasm",
  compile: async ({ source }) => {
    if (typeof source === "string")
      throw new ModuleMalformed({ reason: "it must be bytes, not text; give it as a file" })
    return attach(source, "wasm", source)
  }
}

export const wat: Compiler = {
  lang: "wat",
  compile: async ({ source }) => {
    if (typeof source !== "string") {
      throw new SourceMalformed({ lang: "wat", line: 1, column: 1, reason: "it must be text, not bytes" })
    }
    return attach(await Wat.assembleUnsafe(source), "wat", source)
  }
}

const attach = (module: Uint8Array, lang: string, source: string | Uint8Array): Uint8Array => {
  Rewrite.rewriteUnsafe(module)
  return Manifest.attachUnsafe(module, {
    format: 1,
    engine: "wasm",
    ...Manifest.inferUnsafe(module),
    lang,
    source: ContentId.of(source),
    compiler: lang === "wat" ? "wabt 1.0.39" : "none",
    tested: 0
  })
}
