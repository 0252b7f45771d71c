/**
 * Refuses a call that the contract does not know, or whose payload does not fit, with `CallMalformed`, an error of the
 * contract like any other. effect/rpc by itself answers with a defect, as if the node had broken.
 */
import { CallCheck } from "@continuum/core/CallCheck"
import * as Nearest from "@continuum/core/Nearest"
import { CallMalformed } from "@continuum/core/NodeClientError"
import { Cause, Exit, Layer, Schema } from "effect"
import type { Rpc, RpcGroup, RpcMessage, RpcServer } from "effect/rpc"

type Protocol = RpcServer.Protocol["Service"]

/** A protocol that hands on only the calls of a group that fit. What can have no answer is left to effect/rpc. */
export const checked = <Rpcs extends Rpc.Any>(group: RpcGroup.RpcGroup<Rpcs>, protocol: Protocol): Protocol => {
  const decoders = new Map(
    [...(group.requests as ReadonlyMap<string, unknown>)].map(([name, call]) => [
      name,
      Schema.decodeUnknownExit(protocol.codecFor((call as Rpc.AnyWithProps).payloadSchema) as Schema.Codec<unknown>)
    ])
  )
  const encodeError = Schema.encodeSync(protocol.codecFor(CallMalformed) as Schema.Codec<CallMalformed, unknown>)

  /** Why a request cannot be run, if it cannot. */
  const problemOf = ({ payload, tag }: RpcMessage.RequestEncoded): string | undefined => {
    const decode = decoders.get(tag)
    if (decode === undefined) {
      const [nearest] = Nearest.of(String(tag), decoders.keys())
      return `this node has no such call${nearest === undefined ? "" : `; did you mean "${nearest}"?`}`
    }
    const exit = decode(payload)
    return Exit.isSuccess(exit) ? undefined : `its payload does not fit: ${Cause.prettyErrors(exit.cause)[0]?.message}`
  }

  return {
    ...protocol,
    run: (serve) =>
      protocol.run((clientId, message) => {
        if (message._tag !== "Request" || message.isNotification === true || !isId(message.id)) {
          return serve(clientId, message)
        }
        const reason = problemOf(message)
        return reason === undefined
          ? serve(clientId, { ...message, headers: headersOf(message) })
          : protocol.send(clientId, refusal(message, reason))
      })
  }

  function refusal({ id, tag }: RpcMessage.RequestEncoded, reason: string): RpcMessage.FromServerEncoded {
    const call = String(tag).slice(0, callCharactersMax)
    const error = encodeError(new CallMalformed({ call, reason }))
    return { _tag: "Exit", requestId: id, exit: { _tag: "Failure", cause: [{ _tag: "Fail", error }] } }
  }
}

// Chosen, not measured: what a stranger calls a call comes back to him, cut off.
const callCharactersMax = 100

const isId = (id: unknown): boolean => typeof id === "string" || typeof id === "number"

/** The headers of a request; effect/rpc dies of a request without them. */
const headersOf = ({ headers }: RpcMessage.RequestEncoded): RpcMessage.RequestEncoded["headers"] =>
  Array.isArray(headers) ? headers.filter((pair) => Array.isArray(pair) && pair.length === 2) : []

/** The middleware that puts the error into the contract has nothing left to do. */
export const layer = Layer.succeed(CallCheck, (call) => call)
