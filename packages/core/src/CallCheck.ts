/**
 * The error that every call of a node can answer with before it is run: `CallMalformed`, for whoever does not use
 * `NodeClient`. As a middleware it is part of a contract: `NodeRpcs.middleware(CallCheck)` gives all calls that error.
 * `NodeClient` adds it to any group by itself. The node's side of it is in `apps/node/src/http/CheckedCalls.ts`.
 */
import { RpcMiddleware } from "effect/rpc"
import { CallMalformed } from "./NodeClientError.ts"

export class CallCheck extends RpcMiddleware.Service<CallCheck>()("@continuum/core/CallCheck", {
  error: CallMalformed
}) {}
