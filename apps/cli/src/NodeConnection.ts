/**
 * A command's conversation with its node: finds it, makes the call, and says what a failure means for the user.
 */
import * as NodeClient from "@continuum/core/NodeClient"
import { NodeConnectionLost, type NodeRefused, type NodeUnreachable, NotANode } from "@continuum/core/NodeClientError"
import { Duration, Effect } from "effect"
import { CallTooLarge, KeyRefused, NodeNotRunning, NodeSilent } from "./CliError.ts"
import { type Node, nodeCalls } from "./NodeCalls.ts"
import * as NodeTarget from "./NodeTarget.ts"

/**
 * How long a node may take for what it knows without work. Calls that run a user's code have their limits in the node.
 * Chosen, not measured: far above any answer of a living node, below the patience of a person.
 */
const quickCallMax = Duration.seconds(30)

/** How often a long call is asked after: a node that was stopped, or hangs, should not be waited for. */
const watchEvery = Duration.seconds(15)

/** Runs calls on the node that the flags name, for as long as that node answers to others meanwhile. */
export const use = <A, E, R>(calls: (node: Node, target: NodeTarget.NodeTarget) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const target = yield* NodeTarget.resolve
    const node = yield* NodeClient.make(nodeCalls, target)
    return yield* Effect.raceFirst(calls(node, target), untilSilent(node, target)).pipe(
      Effect.catch((error) => Effect.flatMap(certain(error, node), Effect.fail)),
      Effect.mapError((error) => explain(error, target))
    )
  }).pipe(Effect.scoped)

/** The same for calls that a living node answers at once: fails with `NodeSilent` when it does not. */
export const useQuick = <A, E, R>(calls: (node: Node, target: NodeTarget.NodeTarget) => Effect.Effect<A, E, R>) =>
  use((node, target) => Effect.timeoutOrElse(calls(node, target), silent(target)))

const silent = ({ url }: NodeTarget.NodeTarget) => ({
  duration: quickCallMax,
  orElse: () => Effect.fail(new NodeSilent({ url, seconds: Duration.toSeconds(quickCallMax) }))
})

/** Ends, with `NodeSilent`, when the node answers nothing more. Any other failure is the call's own to meet. */
const untilSilent = (node: Node, target: NodeTarget.NodeTarget): Effect.Effect<never, NodeSilent> =>
  Effect.forever(
    Effect.andThen(Effect.sleep(watchEvery), Effect.timeoutOrElse(Effect.exit(node["node.status"]()), silent(target)))
  )

/**
 * A connection that ends without a byte can be a node that died, or something that speaks no HTTP and hangs up. The
 * second does so again, and then nothing was run; the first answers, or is gone.
 */
const certain = <E>(error: E, node: Node): Effect.Effect<E | NotANode> => {
  if (!(error instanceof NodeConnectionLost)) return Effect.succeed(error)
  return node["node.status"]().pipe(
    Effect.timeout(quickCallMax),
    Effect.match({
      onSuccess: () => error,
      onFailure: ({ _tag }) =>
        _tag === "NodeConnectionLost" || _tag === "NotANode"
          ? new NotANode({ url: error.url, reason: "it hangs up without an answer" })
          : error
    })
  )
}

/** Adds what only the CLI knows: which key it sent, and that a file of a dead node led it astray. */
const explain = <E>(
  error: E,
  target: NodeTarget.NodeTarget
):
  | Exclude<E, NodeRefused>
  | (E extends NodeRefused ? KeyRefused | CallTooLarge : never)
  | (E extends NodeUnreachable ? NodeNotRunning : never) => {
  const { _tag } = error as { readonly _tag?: string }
  if (_tag === "NodeRefused") {
    const { reason, status, url } = error as NodeRefused
    // No other key would help.
    if (status === 413) return new CallTooLarge({ url, reason }) as never
    return new KeyRefused({ url, keyFrom: target.keyFrom, reason }) as never
  }
  if (_tag === "NodeUnreachable" && target.nodeFile !== undefined) {
    return new NodeNotRunning({
      reason: `${target.nodeFile} names process ${target.pid} at ${target.url}, which does not answer. It was left by a node that ended without cleaning up`
    }) as never
  }
  return error as never
}
