/**
 * What can go wrong on the way to an actor of another realm, besides what can go wrong with any actor.
 */
import { NotGranted } from "@continuum/core/Delivery"
import { PeerUnreachable, TransportLost } from "@continuum/core/Transport"
import { Schema } from "effect"
import { NotExposed } from "./ActorError.ts"

export const RemoteError = Schema.Union([PeerUnreachable, TransportLost, NotGranted, NotExposed])
export type RemoteError = typeof RemoteError.Type
