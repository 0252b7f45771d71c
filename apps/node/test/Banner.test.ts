import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { homeFlag } from "../src/Banner.ts"

describe("the commands of the banner", () => {
  it("name no home where clients look anyway", () => {
    assert.strictEqual(homeFlag("/home/ada/.continuum", "/home/ada/.continuum"), "")
  })

  it("name any other home, also one whose last part is the usual one", () => {
    assert.strictEqual(homeFlag("/srv/bee/.continuum", "/home/ada/.continuum"), " --home '/srv/bee/.continuum'")
  })

  it("name it so that a shell reads it as it is", () => {
    for (const home of ["/tmp/it's mine", '/tmp/$HOME `x` \\ "y"', "/tmp/zwei  Lücken"]) {
      const { stdout } = spawnSync("sh", ["-c", `printf '%s|' ${homeFlag(home, "/none")}`], { encoding: "utf8" })
      assert.strictEqual(stdout, `--home|${home}|`)
    }
  })
})
