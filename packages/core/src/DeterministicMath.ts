/**
 * The transcendental functions of `Math`, with the same bits on every runtime, processor and version.
 *
 * ECMAScript leaves the results of these functions to the engine, and engines differ: over 20,000 inputs `exp`, `log`,
 * `sin` and `cos` of Bun, Deno and Node disagreed. Whatever is hashed, signed, replayed from a seed or compared between
 * nodes uses this module instead. It is built from + - * /, `Math.sqrt` and exact operations only, which IEEE 754
 * defines to the last bit, and takes the special values that ECMA-262 names. Every function is within 1 ulp of the
 * true value (measured: about half an ulp; the test names each bound). It does not make sums deterministic whose order
 * changes, and it does not fix the bits of a NaN: hash a NaN as one value.
 *
 * Banned in such code, because engines differ: Math.{acos, acosh, asin, asinh, atan, atan2, atanh, cbrt, cos, cosh, exp,
 * expm1, hypot, log, log10, log1p, log2, pow, random, sin, sinh, tan, tanh} and the operator `**`.
 * Exact by the standard, and therefore allowed: Math.{abs, ceil, clz32, floor, fround, imul, max, min, round, sign, sqrt,
 * trunc}, the constants of `Math`, and the operator `%`.
 */
export { cosh, exp, expm1, sinh, tanh } from "./math/Exponential.ts"
export { acos, asin, atan, atan2 } from "./math/InverseTrigonometry.ts"
export { acosh, asinh, atanh, log, log10, log1p, log2 } from "./math/Logarithm.ts"
export { cbrt, hypot, pow } from "./math/Power.ts"
export { cos, sin, tan } from "./math/Trigonometry.ts"
