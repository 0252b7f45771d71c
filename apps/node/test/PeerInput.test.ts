import { assert, describe, it } from "@effect/vitest"
import { addressesHere, isOwnAddress, slipOf } from "../src/PeerInput.ts"

describe("what is typed for a peer", () => {
  it("is told apart where the slip is clear: a port forgotten, a key too short, too long or mistyped", () => {
    const key = "y".repeat(52)
    assert.strictEqual(slipOf("10.77.3.2"), "its port is missing")
    assert.strictEqual(slipOf(key.slice(1)), "a public key has 52 characters, and this has 51")
    assert.strictEqual(slipOf(`${key}y`), "a public key has 52 characters, and this has 53")
    assert.include(slipOf(`0${key.slice(1)}`), "a character of it must be wrong")
    for (const name of ["bee", "bee-2", "my.host"]) assert.isUndefined(slipOf(name))
  })

  it("is this node itself at each address of the machine with the node's port, and at no other port", () => {
    for (const host of ["localhost", "127.0.0.1", ...addressesHere()]) {
      assert.isTrue(isOwnAddress(`${host}:3100`, 3100), host)
      assert.isFalse(isOwnAddress(`${host}:3101`, 3100), host)
    }
    assert.isFalse(isOwnAddress("192.0.2.1:3100", 3100))
  })
})
