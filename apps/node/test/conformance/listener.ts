/** What the listening socket of a node must do alike on Bun, Deno and Node. */
import { check, report } from "../../../../packages/core/test/Conformance.ts"
import { laws } from "../support/ListenerLaws.ts"

for (const [name, problems] of laws) {
  await check(name, async () => {
    const found = await problems()
    if (found.length > 0) throw new Error(found.join("; "))
    return true
  })
}

report()
