/**
 * The modules that are called, as text, and what each function must answer.
 *
 * `double` is all call and no work. The others spend their time inside: `sieve` in integer arithmetic and bytes of memory,
 * `matmul` in floats, `fib` in calls, `spin` in a loop of four instructions, which is the worst that metering can meet.
 */
import * as Wat from "@continuum/runtime-wasm/compile/Wat"
import { Effect } from "effect"

/** A function of one number, what it is called with, and what it answers. */
export interface Kernel {
  readonly name: "double" | "sieve" | "matmul" | "fib" | "spin"
  readonly type: "f64" | "i32"
  readonly input: number
  readonly output: number
}

export const kernels: ReadonlyArray<Kernel> = [
  { name: "double", type: "f64", input: 21, output: 42 },
  // The number of primes below 100,000.
  { name: "sieve", type: "i32", input: 100_000, output: 9_592 },
  // Sum of the product of two 64 by 64 matrices whose entries are row + column: sum over k of (64 k + 2016)^2.
  { name: "matmul", type: "f64", input: 64, output: 1_129_906_176 },
  { name: "fib", type: "i32", input: 20, output: 6_765 },
  { name: "spin", type: "i32", input: 1_000_000, output: 1_000_000 }
]

const text = `(module
  (memory 4)
  (func (export "double") (param $input f64) (result f64)
    (f64.mul (local.get $input) (f64.const 2)))

  (func (export "sieve") (param $n i32) (result i32)
    (local $i i32) (local $j i32) (local $count i32)
    (memory.fill (i32.const 0) (i32.const 0) (local.get $n))
    (local.set $i (i32.const 2))
    (block $done
      (loop $each
        (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
        (if (i32.eqz (i32.load8_u (local.get $i)))
          (then
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (local.set $j (i32.add (local.get $i) (local.get $i)))
            (block $marked
              (loop $mark
                (br_if $marked (i32.ge_u (local.get $j) (local.get $n)))
                (i32.store8 (local.get $j) (i32.const 1))
                (local.set $j (i32.add (local.get $j) (local.get $i)))
                (br $mark)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $each)))
    (local.get $count))

  (func $entry (param $row i32) (param $column i32) (result f64)
    (f64.load (i32.shl (i32.add (i32.shl (local.get $row) (i32.const 6)) (local.get $column)) (i32.const 3))))

  (func (export "matmul") (param $input f64) (result f64)
    (local $n i32) (local $i i32) (local $j i32) (local $k i32) (local $dot f64) (local $sum f64)
    (local.set $n (i32.trunc_f64_s (local.get $input)))
    (loop $rows
      (local.set $j (i32.const 0))
      (loop $columns
        (f64.store
          (i32.shl (i32.add (i32.shl (local.get $i) (i32.const 6)) (local.get $j)) (i32.const 3))
          (f64.convert_i32_s (i32.add (local.get $i) (local.get $j))))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $columns (i32.lt_u (local.get $j) (local.get $n))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $rows (i32.lt_u (local.get $i) (local.get $n))))
    (local.set $i (i32.const 0))
    (loop $rows
      (local.set $j (i32.const 0))
      (loop $columns
        (local.set $k (i32.const 0))
        (local.set $dot (f64.const 0))
        (loop $inner
          (local.set $dot
            (f64.add
              (local.get $dot)
              (f64.mul
                (call $entry (local.get $i) (local.get $k))
                (call $entry (local.get $k) (local.get $j)))))
          (local.set $k (i32.add (local.get $k) (i32.const 1)))
          (br_if $inner (i32.lt_u (local.get $k) (local.get $n))))
        (local.set $sum (f64.add (local.get $sum) (local.get $dot)))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $columns (i32.lt_u (local.get $j) (local.get $n))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $rows (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $sum))

  (func $fib (export "fib") (param $n i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else
        (i32.add
          (call $fib (i32.sub (local.get $n) (i32.const 1)))
          (call $fib (i32.sub (local.get $n) (i32.const 2)))))))

  (func (export "spin") (param $n i32) (result i32)
    (local $i i32)
    (loop $each
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $each (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $i)))`

// Gives back the bytes that it gets, in the ABI raw1: alloc(length) -> address, run(address, length) -> address << 32 | length.
const echoText = `(module
  (memory (export "memory") 1)
  (func (export "alloc") (param $length i32) (result i32)
    (i32.const 1024))
  (func (export "run") (param $address i32) (param $length i32) (result i64)
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $address)) (i64.const 32))
      (i64.extend_i32_u (local.get $length)))))`

/** The module of all kernels. */
export const kernelsModule = (): Promise<Uint8Array> => Effect.runPromise(Wat.assemble(text))

/** The module that gives back its input. */
export const echoModule = (): Promise<Uint8Array> => Effect.runPromise(Wat.assemble(echoText))

/** Plain data of about 1 kB in MessagePack. */
export const kilobyte = {
  name: "a document with a title of some length",
  tags: ["alpha", "beta", "gamma", "delta"],
  values: Array.from({ length: 80 }, (_, i) => i * 1.5 + 0.25),
  text: "the quick brown fox jumps over the lazy dog ".repeat(4),
  done: false
}
