/** `peers.*`: the nodes that this one knows, and what they may do here. */
import { MeshRpcs } from "@continuum/mesh/rpc"
import { Effect } from "effect"
import { NodeMesh } from "../NodeMesh.ts"

export const layer = MeshRpcs.toLayer(
  Effect.gen(function* () {
    const mesh = yield* NodeMesh
    return {
      "peers.list": () => mesh.peers,
      "peers.add": ({ grant, peer }) => mesh.add(peer, grant),
      "peers.remove": ({ peer }) => mesh.remove(peer)
    }
  })
)
