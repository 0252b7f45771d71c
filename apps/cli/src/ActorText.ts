/** How an actor, its past and its life look to a person. */
import type { ActorDetail, WatchedEvent } from "@continuum/actors/rpc"
import * as Render from "./Render.ts"
import type { Style } from "./Style.ts"

/** Colours a state that somebody should look at. */
export const statePaint =
  (style: Style) =>
  (text: string, { state }: { readonly state: string }) =>
    state === "stopped" ? style.red(text) : state === "restarting" ? style.yellow(text) : text

/** All about one actor. */
export const detail = (style: Style, actor: ActorDetail): string =>
  Render.fields(style, [
    ["address", actor.address],
    ["state", statePaint(style)(actor.state, actor)],
    ["durable", actor.durable ? "yes" : "no"],
    ["node", actor.node],
    ["started", actor.startedAt],
    ["processed", Render.count(actor.processed)],
    ["restarts", Render.count(actor.restarts)],
    ["priority", Render.count(actor.priority)],
    ["mailbox", `${Render.count(actor.mailbox)}${actor.waiting.length > 0 ? `: ${actor.waiting.join(", ")}` : ""}`],
    ["messages", actor.messages.join(", ") || "none"],
    ["value", Render.value(actor.stateValue)],
    ...actor.reminders.map(
      ({ due, everyMs, key, messageName }) =>
        [
          "reminder",
          `${due} ${messageName} (${key}${everyMs === undefined ? "" : `, every ${Render.milliseconds(everyMs)}`})`
        ] as const
    ),
    ...actor.failures.map((failure) => ["failure", `${failure.time} ${failure.messageName}: ${failure.cause}`] as const)
  ])

/** What happened to it lately. */
export const timeline = (style: Style, events: ActorDetail["timeline"]): string =>
  Render.table(
    style,
    events,
    [
      { head: "TIME", cell: ({ time }) => time },
      { head: "WHAT", cell: ({ what }) => what },
      { head: "MESSAGE", cell: ({ messageName = "-" }) => messageName },
      { head: "DETAIL", cell: ({ detail = "" }) => detail }
    ],
    "Nothing has happened to it in this process"
  )

/** A line of `actors/watch`. */
export const watched = (style: Style, seen: WatchedEvent): string => {
  switch (seen._tag) {
    case "Now":
      return `It is ${statePaint(style)(seen.state, seen)}, after ${Render.count(seen.restarts)} restarts`
    case "Missed":
      return style.yellow(`${Render.count(seen.count)} events of its node came too fast, and are lost`)
    case "Interrupted":
      return style.yellow(Render.printable(`Interrupted: ${seen.reason}`))
    case "Happened":
      return `${style.dim(seen.time)} ${Render.indentAfterFirst(Render.printable(happenedText(seen.event)), 2)}`
  }
}

const happenedText = (event: Extract<WatchedEvent, { readonly _tag: "Happened" }>["event"]): string => {
  switch (event._tag) {
    case "Started":
      return "started"
    case "Failed":
      return `failed in ${event.messageName}: ${event.cause}`
    case "Restarted":
      return `restarts in ${Render.milliseconds(event.delayMs)}`
    case "Passivated":
      return "left memory, idle"
    case "Stopped":
      return event.normal ? "ended" : `stopped: ${event.reason}`
  }
}
