/** Programs that do not end, and programs that trap. Each exports `run`, which takes nothing and returns an i32. */

export const endless: ReadonlyArray<{ readonly name: string; readonly text: string }> = [
  {
    name: "an endless loop",
    text: `(module (func (export "run") (result i32) (loop $l (br $l)) unreachable))`
  },
  {
    name: "an endless loop by a conditional branch",
    text: `(module (func (export "run") (result i32) (loop $l (br_if $l (i32.const 1))) (i32.const 0)))`
  },
  {
    name: "an endless loop by br_table",
    text: `(module (func (export "run") (result i32)
      (loop $l (block $out (br_table $l $out $l (i32.const 7)))) (i32.const 0)))`
  },
  {
    name: "an endless loop around a loop that never repeats",
    text: `(module (func (export "run") (result i32) (loop $outer (loop $inner (br $outer))) unreachable))`
  },
  {
    name: "an endless loop of calls that their callers pay for",
    text: `(module (func $leaf (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
      (func (export "run") (result i32) (local i32)
        (loop $l (local.set 0 (call $leaf (local.get 0))) (br $l)) unreachable))`
  },
  {
    name: "endless recursion whose depth is small",
    text: `(module (func $twice (param i32) (if (local.get 0) (then
        (call $twice (i32.sub (local.get 0) (i32.const 1))) (call $twice (i32.sub (local.get 0) (i32.const 1))))))
      (func (export "run") (result i32) (call $twice (i32.const 200)) (i32.const 0)))`
  },
  {
    name: "endless recursion through a table",
    text: `(module (type $t (func (param i32))) (table funcref (elem $twice))
      (func $twice (type $t) (if (local.get 0) (then
        (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))
        (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))))
      (func (export "run") (result i32) (call $twice (i32.const 200)) (i32.const 0)))`
  },
  {
    name: "a loop of memory.fill",
    text: `(module (memory 16) (func (export "run") (result i32)
      (loop $l (memory.fill (i32.const 0) (i32.const 7) (i32.const 1048576)) (br $l)) unreachable))`
  },
  {
    name: "a loop of memory.copy",
    text: `(module (memory 16) (func (export "run") (result i32)
      (loop $l (memory.copy (i32.const 0) (i32.const 8) (i32.const 1048000)) (br $l)) unreachable))`
  },
  {
    name: "a loop of memory.grow",
    text: `(module (memory 1) (func (export "run") (result i32)
      (loop $l (drop (memory.grow (i32.const 1))) (br $l)) unreachable))`
  },
  {
    name: "a loop of table.fill",
    text: `(module (table 60000 funcref) (func (export "run") (result i32)
      (loop $l (table.fill 0 (i32.const 0) (ref.null func) (i32.const 60000)) (br $l)) unreachable))`
  },
  {
    name: "a start function that does not end",
    text: `(module (start 0) (func (loop $l (br $l))) (func (export "run") (result i32) (i32.const 0)))`
  }
]

const body = (code: string) => `(module (memory 1) (table 3 funcref) (elem (i32.const 0) $other) (type $none (func))
  (func $other (param i32)) (func (export "run") (result i32) ${code} (i32.const 0)))`

const outside = "it used memory outside of its bounds"
const table = "it used a table entry that is not there or has another type"

export const traps: ReadonlyArray<{ readonly name: string; readonly text: string; readonly reason: string }> = [
  ["unreachable", "unreachable", "it reached an instruction that it declares unreachable"],
  ["a division by zero", "(drop (i32.div_s (i32.const 1) (i32.const 0)))", "it divided an integer by zero"],
  ["a remainder by zero", "(drop (i64.rem_u (i64.const 1) (i64.const 0)))", "it divided an integer by zero"],
  [
    "a division that overflows",
    "(drop (i32.div_s (i32.const -2147483648) (i32.const -1)))",
    "an integer division has a result that does not fit"
  ],
  [
    "a conversion of NaN",
    "(drop (i32.trunc_f64_s (f64.const nan)))",
    "it converted a float that does not fit the integer type"
  ],
  ["a load outside of memory", "(drop (i32.load (i32.const -1)))", outside],
  ["a store outside of memory", "(i64.store (i32.const 65530) (i64.const 0))", outside],
  ["a fill outside of memory", "(memory.fill (i32.const 65000) (i32.const 0) (i32.const 1000))", outside],
  ["a call of an empty table entry", "(call_indirect (type $none) (i32.const 1))", table],
  ["a call of another type", "(call_indirect (type $none) (i32.const 0))", table],
  ["a call outside of the table", "(call_indirect (type $none) (i32.const 9))", table],
  ["a read outside of the table", "(drop (table.get 0 (i32.const 9)))", table],
  ["endless recursion", "(call $deep)", "its calls are nested too deeply (stack overflow)"]
].map(([name, code, reason]) => ({
  name: name!,
  text: body(code!).replace("(func $other", "(func $deep (call $deep)) (func $other"),
  reason: reason!
}))
