/** WebAssembly text to binary with every feature that wabt knows, refused ones too. Tests only. */
type LoadAssembler = typeof import("wabt")

const wabt = await ((await import("wabt")) as unknown as { readonly default: LoadAssembler }).default()

const features = {
  exceptions: true,
  threads: true,
  function_references: true,
  tail_call: true,
  gc: true,
  memory64: true,
  extended_const: true,
  relaxed_simd: true
}

export const assemble = (text: string): Uint8Array<ArrayBuffer> => {
  const module = wabt.parseWat("test", text, features)
  try {
    module.resolveNames()
    return module.toBinary({ canonicalize_lebs: true }).buffer.slice() as Uint8Array<ArrayBuffer>
  } finally {
    module.destroy()
  }
}
