/**
 * Small modules that between them use every feature that is allowed and deterministic, each with inputs. What they
 * answer, what it costs and what their rewritten bytes are must be the same on every runtime: `golden`.
 */
import * as ContentId from "@continuum/core/ContentId"
import * as MeteredInstance from "@continuum/runtime-wasm/abi/MeteredInstance"
import * as PlainData from "@continuum/runtime-wasm/abi/PlainData"
import * as Raw1 from "@continuum/runtime-wasm/abi/Raw1"
import * as Scalar1 from "@continuum/runtime-wasm/abi/Scalar1"
import * as Wat from "@continuum/runtime-wasm/compile/Wat"
import * as Manifest from "@continuum/runtime-wasm/Manifest"
import * as Rewrite from "@continuum/runtime-wasm/rewrite/Rewrite"

export interface SmallModule {
  readonly name: string
  readonly text: string
  readonly inputs: ReadonlyArray<unknown>
}

export const smallModules: ReadonlyArray<SmallModule> = [
  {
    name: "the first program",
    text: `(module (func $multiply (param $x i32) (result i32) get_local $x i32.const 2 i32.mul))`,
    inputs: [21, -1, 0]
  },
  {
    name: "recursion",
    text: `(module
      (func $fib (export "run") (param i32) (result i32)
        (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
          (then (local.get 0))
          (else (i32.add
            (call $fib (i32.sub (local.get 0) (i32.const 1)))
            (call $fib (i32.sub (local.get 0) (i32.const 2))))))))`,
    inputs: [0, 1, 15]
  },
  {
    name: "nested loops with continue and break",
    text: `(module
      (func (export "run") (param $limit i64) (result i64) (local $i i64) (local $x i64) (local $steps i64)
        (block $done
          (loop $next
            (br_if $done (i64.ge_s (local.get $i) (local.get $limit)))
            (local.set $i (i64.add (local.get $i) (i64.const 1)))
            (local.set $x (local.get $i))
            (loop $collatz
              (br_if $next (i64.eq (local.get $x) (i64.const 1)))
              (local.set $steps (i64.add (local.get $steps) (i64.const 1)))
              (if (i64.eqz (i64.and (local.get $x) (i64.const 1)))
                (then (local.set $x (i64.shr_u (local.get $x) (i64.const 1))) (br $collatz)))
              (local.set $x (i64.add (i64.mul (local.get $x) (i64.const 3)) (i64.const 1)))
              (br $collatz))))
        (local.get $steps)))`,
    inputs: [0, 30, "100"]
  },
  {
    name: "floats",
    text: `(module
      (func (export "run") (param $n f64) (result f64) (local $sum f64) (local $k f64)
        (loop $next
          (local.set $k (f64.add (local.get $k) (f64.const 1)))
          (local.set $sum (f64.add (local.get $sum) (f64.div (f64.const 1) (f64.mul (local.get $k) (local.get $k)))))
          (br_if $next (f64.lt (local.get $k) (local.get $n))))
        (f64.sqrt (f64.mul (local.get $sum) (f64.const 6)))))`,
    inputs: [1, 1000, "NaN"]
  },
  {
    name: "bits of a 64-bit NaN",
    text: `(module (memory (export "memory") 1) (global $g (mut f64) (f64.const 0))
      (func (export "run") (param $x f64) (result i64)
        (f64.store (i32.const 8) (f64.div (local.get $x) (f64.const 0)))
        (global.set $g (f64.sqrt (f64.sub (f64.const -1) (f64.mul (local.get $x) (local.get $x)))))
        (i64.xor
          (i64.rotl (i64.load (i32.const 8)) (i64.const 7))
          (i64.xor
            (i64.reinterpret_f64 (f64.neg (f64.mul (f64.const 0) (f64.div (local.get $x) (f64.const 0)))))
            (i64.rotl (i64.reinterpret_f64 (global.get $g)) (i64.const 3))))))`,
    inputs: [0, 1, "NaN", "-Infinity"]
  },
  {
    name: "bits of a 32-bit NaN, and its sign",
    text: `(module (memory 1)
      (func (export "run") (param $x f32) (result f64) (local $nan f32)
        (local.set $nan (f32.div (local.get $x) (f32.const 0)))
        (f32.store (i32.const 0) (local.get $nan))
        (f64.add
          (f64.convert_i32_s (i32.load (i32.const 0)))
          (f64.promote_f32 (f32.copysign (f32.const 3) (f32.neg (local.get $nan)))))))`,
    inputs: [0, 2, -2, "NaN"]
  },
  {
    name: "a switch and calls through a table",
    text: `(module
      (type $unary (func (param i32) (result i32)))
      (table 4 funcref) (elem (i32.const 0) $double $square $negate)
      (func $double (type $unary) (i32.shl (local.get 0) (i32.const 1)))
      (func $square (type $unary) (i32.mul (local.get 0) (local.get 0)))
      (func $negate (type $unary) (i32.sub (i32.const 0) (local.get 0)))
      (func $small (type $unary) (i32.add (call $never (local.get 0)) (i32.const 5)))
      (func $never (type $unary) (if (i32.lt_s (local.get 0) (i32.const -1000)) (then unreachable)) (local.get 0))
      (func (export "run") (param i32 i32) (result i32)
        (block $other (block $two (block $one (block $zero
          (br_table $zero $one $two $other (local.get 0)))
          (return (call_indirect (type $unary) (local.get 1) (i32.const 0))))
          (return (call_indirect (type $unary) (local.get 1) (i32.const 1))))
          (return (call $small (call_indirect (type $unary) (local.get 1) (i32.const 2)))))
        (call $small (local.get 1))))`,
    inputs: [
      [0, 7],
      [1, 7],
      [2, 7],
      [3, 7],
      [-1, 7]
    ]
  },
  {
    name: "bulk memory",
    text: `(module (memory 1 3) (data $text "abcdefghijklmnopqrstuvwxyz")
      (func (export "run") (param $n i32) (result i32)
        (memory.fill (i32.const 0) (i32.const 1) (local.get $n))
        (memory.init $text (i32.const 3) (i32.const 2) (i32.const 20))
        (memory.copy (i32.const 100) (i32.const 1) (local.get $n))
        (data.drop $text)
        (drop (memory.grow (i32.const 1)))
        (drop (memory.grow (i32.const 5)))
        (i32.add (i32.mul (memory.size) (i32.const 1000)) (i32.load8_u (i32.const 110)))))`,
    inputs: [0, 7, 5000]
  },
  {
    name: "tables and references",
    text: `(module
      (type $none (func (result i32)))
      (table $t 2 8 funcref) (elem $e func $a $b) (elem declare func $c)
      (func $a (result i32) (i32.const 1)) (func $b (result i32) (i32.const 10)) (func $c (result i32) (i32.const 100))
      (func (export "run") (param $n i32) (result i32)
        (drop (table.grow $t (ref.func $c) (local.get $n)))
        (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 2))
        (table.copy (i32.const 2) (i32.const 0) (i32.const 1))
        (table.fill $t (i32.const 3) (ref.func $b) (i32.const 1))
        (elem.drop $e)
        (i32.add (i32.mul (table.size $t) (i32.const 1000))
          (i32.add (call_indirect (type $none) (i32.const 2)) (call_indirect (type $none) (i32.const 3))))))`,
    inputs: [2, 6]
  },
  {
    name: "a start function, several results, sign extension, saturation",
    text: `(module
      (global $base (mut i32) (i32.const 1)) (start $init)
      (func $init (local $i i32)
        (loop $next (global.set $base (i32.add (global.get $base) (i32.const 3)))
          (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5)))))
      (func $pair (param i32) (result i32 i32) (i32.extend8_s (local.get 0)) (global.get $base))
      (func (export "run") (param $x f64) (result f64)
        (call $pair (i32.trunc_sat_f64_s (local.get $x)))
        (block (param i32 i32) (result i32) i32.mul)
        f64.convert_i32_s))`,
    inputs: [200, -1e300, "NaN"]
  },
  {
    name: "integer SIMD, and many locals",
    text: `(module
      (func $wide (param v128) (result v128)
        (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i64 f32)
        (i8x16.add_sat_u (local.get 0) (v128.const i8x16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 255)))
      (func (export "run") (param i32) (result i32)
        (i32x4.extract_lane 3 (call $wide (i32x4.mul (i32x4.splat (local.get 0)) (v128.const i32x4 1 2 3 4))))))`,
    inputs: [3, -7]
  },
  {
    name: "plain data in memory",
    text: `(module
      (memory (export "memory") 1 4) (global $free (mut i32) (i32.const 1024))
      (func (export "alloc") (param $n i32) (result i32)
        (global.get $free)
        (global.set $free (i32.add (global.get $free) (local.get $n))))
      (func (export "run") (param $at i32) (param $n i32) (result i64)
        (i32.store8 (i32.const 512) (i32.const 0x92))
        (memory.copy (i32.const 513) (local.get $at) (local.get $n))
        (memory.copy (i32.add (i32.const 513) (local.get $n)) (local.get $at) (local.get $n))
        (i64.or
          (i64.shl (i64.const 512) (i64.const 32))
          (i64.extend_i32_u (i32.add (i32.const 1) (i32.shl (local.get $n) (i32.const 1)))))))`,
    inputs: [1, "text", { a: [null, true, 1.5] }]
  }
]

/** Units that each of these runs gets. */
const fuelMax = 1_000_000

/** One run of one module on one input, as plain data. */
export interface Answer {
  readonly module: string
  /** Content id of the rewritten bytes. */
  readonly bytes: string
  readonly output: unknown
  readonly fuel: number
}

/** Runs every module on each of its inputs, on a fresh instance each. */
export const answers = async (): Promise<Array<Answer>> => {
  const all: Array<Answer> = []
  for (const { name, text, inputs } of smallModules) {
    const binary = await Wat.assembleUnsafe(text)
    const signature = Manifest.inferUnsafe(binary)
    const { bytes } = Rewrite.rewriteUnsafe(binary)
    const module = MeteredInstance.compileUnsafe(bytes)
    for (const input of inputs) {
      const instance = MeteredInstance.instantiateUnsafe(module)
      const { entry, params, result } = signature
      const output =
        entry === undefined || params === undefined || result === undefined
          ? Raw1.runUnsafe(instance, input, fuelMax)
          : Scalar1.runUnsafe(instance, { entry, params, result }, input, fuelMax)
      const fuel = MeteredInstance.fuelUsed(instance)
      all.push({ module: name, bytes: ContentId.of(bytes), output: PlainData.toJson(output), fuel })
    }
  }
  return all
}

/** Content id of the JSON of all answers. It changes with the rewriter's output and with the metering rule, only. */
export const golden = "92a4396e83ab90eca5e34c39130f091aafafc741e48b60beee83dc7057bb2756"
