/** The floor: an echo on the bare connection. Nothing is asked, granted, decoded or bounded. */
import * as ConnectionPair from "@continuum/mesh/testing/ConnectionPair"
import { identityOf } from "../../packages/mesh/test/support/Hub.ts"
import { finish } from "../Measure.ts"
import { inOrder, runEcho } from "./Workload.ts"

const [near, far] = ConnectionPair.make(identityOf(1).node.publicKey, identityOf(2).node.publicKey)
const { ask, reply } = inOrder((bytes) => near.send(bytes))
const nothing = () => undefined
near.listen({ message: reply, drain: nothing, closed: nothing })
far.listen({ message: (bytes) => void far.send(bytes), drain: nothing, closed: nothing })
await runEcho(ask)
finish()
