import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { structureOf } from "../../src/formats/JsonStructure.ts"

describe("structureOf", () => {
  it.each([
    ['{"a":1,"a":2}', "a"],
    ['{"a":1,"b":{"c":1,"d":2,"c":3}}', "c"],
    ['[{"a":1},{"b":[{"x":0,"x":0}]}]', "x"],
    ['{"a":1,"\\u0061":2}', "a"],
    ['{"\\"":1,"\\"":2}', '"'],
    ['{ "a" : 1 ,\n"a" : 2 }', "a"],
    ['{"__proto__":1,"__proto__":2}', "__proto__"]
  ])("finds the repeated key of %s", (json, key) => {
    JSON.parse(json)
    expect(structureOf(json).repeatedKey).toBe(key)
  })

  it.each([
    ['{"a":{"a":1},"b":{"a":1}}', 2],
    ['["a","a","a"]', 1],
    ['{"a":"a","b":["a",{"a":"a,\\"a\\":"}]}', 3],
    ['"{}"', 0],
    ["1", 0],
    ["[[],[[]]]", 3]
  ])("finds none in %s, and its depth", (json, depth) => {
    expect(structureOf(json)).toEqual({ depth, repeatedKey: undefined })
  })

  it("finds none in what JSON.stringify writes, and every key that is put in twice", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: "binary" }), (value, key) => {
        expect(structureOf(JSON.stringify(value)).repeatedKey).toBeUndefined()
        const member = `${JSON.stringify(key)}:${JSON.stringify(value)}`
        expect(structureOf(`{${member},${member}}`).repeatedKey).toBe(key)
      })
    )
  })
})
