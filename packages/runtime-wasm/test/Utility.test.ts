import * as Utility from "@continuum/runtime-wasm/Utility"
import { assert, describe, it } from "@effect/vitest"

const hourMs = 3_600_000

describe("Utility", () => {
  it("is base times usefulness over one plus days without use", () => {
    const usage = { uses: 95, failures: 0, lastUsedMs: 0 }
    assert.strictEqual(Utility.usefulness(usage), 96)
    assert.strictEqual(Utility.utility(usage, 0), 96)
    assert.strictEqual(Utility.utility(usage, 24 * hourMs), 48)
    assert.strictEqual(Utility.utility(usage, 72 * hourMs), 24)
  })

  it("begins at a fifth for a module that was never used", () => {
    assert.strictEqual(Utility.usefulness({ uses: 0, failures: 0, lastUsedMs: 0 }), 20)
  })

  it("counts failures against a module, and stays within 0 and 100", () => {
    assert.isBelow(
      Utility.usefulness({ uses: 10, failures: 5, lastUsedMs: 0 }),
      Utility.usefulness({ uses: 10, failures: 4, lastUsedMs: 0 })
    )
    assert.isAbove(Utility.usefulness({ uses: 1e9, failures: 1e9, lastUsedMs: 0 }), 0)
    assert.isBelow(Utility.usefulness({ uses: 1e9, failures: 0, lastUsedMs: 0 }), 100)
  })

  it("calls a module dying once its utility is below one", () => {
    const unused = { uses: 0, failures: 0, lastUsedMs: 0 }
    assert.strictEqual(Utility.state(Utility.utility(unused, 19 * 24 * hourMs)), "seeded")
    assert.strictEqual(Utility.state(Utility.utility(unused, 19 * 24 * hourMs + 1)), "dying")
  })

  it("does not grow when a clock is set back", () => {
    assert.strictEqual(Utility.utility({ uses: 0, failures: 0, lastUsedMs: 1000 }, 0), 20)
  })
})
