/** Every instruction of the allowed features, in the text format with immediates; operands are left to polymorphism. */
const words = (text: string): ReadonlyArray<string> => text.trim().split(/\s+/)

const integer = (type: string): ReadonlyArray<string> =>
  words(`eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl
    shr_s shr_u rotl rotr extend8_s extend16_s`).map((name) => `${type}.${name}`)

const float = (type: string): ReadonlyArray<string> =>
  words(`eq ne lt gt le ge abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign`).map(
    (name) => `${type}.${name}`
  )

const memory = words(`i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u i64.load8_s
  i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u i32.store i64.store f32.store f64.store i32.store8
  i32.store16 i64.store8 i64.store16 i64.store32`)

const conversions = words(`i32.wrap_i64 i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u i64.extend_i32_s
  i64.extend_i32_u i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u f32.convert_i32_s f32.convert_i32_u
  f32.convert_i64_s f32.convert_i64_u f32.demote_f64 f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s
  f64.convert_i64_u f64.promote_f32 i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64
  i64.extend32_s i32.trunc_sat_f32_s i32.trunc_sat_f32_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u i64.trunc_sat_f32_s
  i64.trunc_sat_f32_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u`)

const control = [
  "unreachable",
  "nop",
  "block end",
  "block (result i32) i32.const 1 end",
  "block (param i32) (result i64) drop i64.const 1 end",
  "loop end",
  "loop (param i32) drop end",
  "if end",
  "if (result f64) f64.const 1 else f64.const 2 end",
  "br 0",
  "br_if 0",
  "br_table 0 0",
  "br_table 0",
  "return",
  "call $f",
  "call_indirect (type $t)",
  "call_indirect $table2 (type $t)",
  "drop",
  "select",
  "select (result i32)",
  "select (result funcref)",
  "local.get 0",
  "local.set 0",
  "local.tee 0",
  "global.get $g",
  "global.set $g",
  "table.get $table2",
  "table.set $table2",
  "table.init $table2 $e",
  "elem.drop $e",
  "table.copy $table $table2",
  "table.grow $table2",
  "table.size $table2",
  "table.fill $table2",
  "memory.size",
  "memory.grow",
  "memory.init $d",
  "data.drop $d",
  "memory.copy",
  "memory.fill",
  "i32.const -2147483648",
  "i32.const 2147483647",
  "i64.const -9223372036854775808",
  "i64.const 9223372036854775807",
  "f32.const nan:0x200000",
  "f64.const -inf",
  "ref.null func",
  "ref.null extern",
  "ref.is_null",
  "ref.func $f"
]

const lanes = (prefix: string, names: string): ReadonlyArray<string> => words(names).map((name) => `${prefix}.${name}`)
const compared = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u"
const shifted = "shl shr_s shr_u"

/** Fixed-width SIMD without lanes of floats. */
export const integerVectors: ReadonlyArray<string> = [
  ...lanes(
    "v128",
    `load load8x8_s load8x8_u load16x4_s load16x4_u load32x2_s load32x2_u load8_splat load16_splat load32_splat load64_splat
     load32_zero load64_zero store not and andnot or xor bitselect any_true`
  ),
  ...lanes(
    "v128",
    "load8_lane load16_lane load32_lane load64_lane store8_lane store16_lane store32_lane store64_lane"
  ).map((name) => `${name} offset=300 1`),
  "v128.const i32x4 1 2 3 4",
  "i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31",
  "i8x16.swizzle",
  ...["i8x16", "i16x8", "i32x4", "i64x2"].map((type) => `${type}.splat`),
  ...["i8x16", "i16x8"].flatMap((type) => [`${type}.extract_lane_s 1`, `${type}.extract_lane_u 1`]),
  ...["i32x4", "i64x2"].map((type) => `${type}.extract_lane 1`),
  ...["i8x16", "i16x8", "i32x4", "i64x2"].map((type) => `${type}.replace_lane 1`),
  ...lanes(
    "i8x16",
    `${compared} ${shifted} abs neg popcnt all_true bitmask narrow_i16x8_s narrow_i16x8_u add add_sat_s
    add_sat_u sub sub_sat_s sub_sat_u min_s min_u max_s max_u avgr_u`
  ),
  ...lanes(
    "i16x8",
    `${compared} ${shifted} abs neg q15mulr_sat_s all_true bitmask narrow_i32x4_s narrow_i32x4_u
    extend_low_i8x16_s extend_high_i8x16_s extend_low_i8x16_u extend_high_i8x16_u add add_sat_s add_sat_u sub sub_sat_s
    sub_sat_u mul min_s min_u max_s max_u avgr_u extmul_low_i8x16_s extmul_high_i8x16_s extmul_low_i8x16_u
    extmul_high_i8x16_u extadd_pairwise_i8x16_s extadd_pairwise_i8x16_u`
  ),
  ...lanes(
    "i32x4",
    `${compared} ${shifted} abs neg all_true bitmask extend_low_i16x8_s extend_high_i16x8_s
    extend_low_i16x8_u extend_high_i16x8_u add sub mul min_s min_u max_s max_u dot_i16x8_s extmul_low_i16x8_s
    extmul_high_i16x8_s extmul_low_i16x8_u extmul_high_i16x8_u extadd_pairwise_i16x8_s extadd_pairwise_i16x8_u`
  ),
  ...lanes(
    "i64x2",
    `eq ne lt_s gt_s le_s ge_s ${shifted} abs neg all_true bitmask extend_low_i32x4_s extend_high_i32x4_s
    extend_low_i32x4_u extend_high_i32x4_u add sub mul extmul_low_i32x4_s extmul_high_i32x4_s extmul_low_i32x4_u
    extmul_high_i32x4_u`
  )
]

const floatLanes = "eq ne lt gt le ge abs neg sqrt ceil floor trunc nearest add sub mul div min max pmin pmax splat"

/** SIMD that makes, takes apart or computes with lanes of floats. */
export const floatVectors: ReadonlyArray<string> = [
  ...lanes("f32x4", floatLanes),
  ...lanes("f64x2", floatLanes),
  ...["f32x4", "f64x2"].flatMap((type) => [`${type}.extract_lane 1`, `${type}.replace_lane 1`]),
  ...words(`f32x4.demote_f64x2_zero f64x2.promote_low_f32x4 i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u
    f32x4.convert_i32x4_s f32x4.convert_i32x4_u i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero
    f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u`)
]

export const instructions: ReadonlyArray<string> = [
  ...control,
  ...memory,
  ...memory.map((name) => `${name} offset=70000 align=1`),
  ...integer("i32"),
  ...integer("i64"),
  ...float("f32"),
  ...float("f64"),
  ...conversions,
  ...integerVectors,
  ...floatVectors
]

/** A valid module whose last function holds the instruction behind an `unreachable`. */
export const moduleWith = (instruction: string): string => `(module
  (memory 1) (data $d "abc")
  (table $table 4 funcref) (table $table2 4 funcref) (elem $e func $f)
  (global $g (mut f32) (f32.const 0))
  (type $t (func (param i32) (result i32)))
  (func $f (export "f") (type $t) (local.get 0))
  (func (local i32) unreachable ${instruction} unreachable))`
