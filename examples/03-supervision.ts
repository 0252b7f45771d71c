/**
 * A shop with two tills and a printer that they share. A till that crashes is restarted alone; the printer takes those down that
 * were opened after it, because they count on it. When things crash too often, the shop itself begins anew.
 */
import { actor, ActorSystem, type Actor } from "@continuum/actors"

const opened: Array<string> = []
const crash = (): number => {
  throw new Error("out of paper")
}
const supervision = { backoffMin: 1, backoffMax: 1, intensity: Number.POSITIVE_INFINITY }
const start = (state: number, { address }: Actor.ActorContext) => {
  opened.push(address.split("/").slice(3).join("/"))
  return state
}

const Printer = actor("printer", { state: 0, print: (state) => state + 1, crash }, { supervision, start })
const Till = actor("till", { state: 0, sell: (state, price: number) => state + price, crash }, { supervision, start })
const Shop = actor(
  "shop",
  { state: 0, open: (state) => state },
  {
    supervision,
    // In OTP's terms: a child that fails is restarted with those that were spawned after it, three times in a minute at most.
    children: { order: "rest_for_one", intensity: 3, period: "1 minute" },
    start: (state, context) => {
      start(state, context)
      context.spawn(Printer, "p")
      context.spawn(Till, "1")
      context.spawn(Till, "2")
      return state
    }
  }
)

const system = await ActorSystem.start()
const openedBy = async (what: () => Promise<unknown>): Promise<string> => {
  opened.length = 0
  await what().catch(() => undefined)
  // A message to each waits until it is there again.
  await system.ref(Shop, "s").open()
  await system.ref(Till, "1").sell(0)
  await system.ref(Till, "2").sell(0)
  return opened.join(", ")
}

console.log("the shop opens:", await openedBy(async () => undefined))
console.log("a till crashes:", await openedBy(() => system.ref(Till, "2").crash()))
console.log("the printer crashes:", await openedBy(() => system.ref(Printer, "p").crash()))
await openedBy(() => system.ref(Till, "2").crash())
console.log(
  "a fourth crash:",
  await openedBy(async () => {
    await system
      .ref(Till, "2")
      .crash()
      .catch(() => undefined)
    await system.ref(Shop, "s").open()
  })
)
const { failures } = await system.inspect("continuum://local/shop/s")
console.log("because:", failures[0]?.cause)
await system.stop()
