import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import { Context, Effect, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import * as Actor from "../src/Actor.ts"
import type { ActorRef, AskError, PromiseRef } from "../src/ActorRef.ts"
import { ActorSystem } from "../src/ActorSystem.ts"

class Refused extends Schema.TaggedError<Refused>()("Refused", { balance: Schema.Number }) {}
class Clerk extends Context.Service<Clerk, { readonly name: string }>()("test/Clerk") {}

const Account = Actor.actor("account", {
  state: { balance: 0 },
  // The new state is the reply.
  deposit: (state, amount: number) => ({ ...state, balance: state.balance + amount }),
  // The reply is something else.
  balance: (state) => Actor.reply(state, state.balance),
  // At once, as a Promise, and as an Effect with an error of its own.
  depositLater: async (state, amount: number) => Actor.reply({ balance: state.balance + amount }, "thanks"),
  withdraw: (state, amount: number) =>
    amount > state.balance
      ? Effect.fail(new Refused(state))
      : Effect.succeed(Actor.reply({ balance: state.balance - amount }, amount)),
  clear: () => Actor.reply({ balance: 0 }),
  note: (state, text?: string) => Actor.reply(state, text ?? "none"),
  whoami: (state, _: void, context) =>
    Actor.reply(state, `${context.name} at ${context.address}, ${context.messageName}`)
})

const Signed = Actor.actor("signed", {
  state: "",
  sign: (_, text: string) => Effect.map(Clerk, (clerk) => `${text} (${clerk.name})`)
})

class CounterRpcs extends RpcGroup.make(
  Rpc.make("add", {
    payload: { n: Schema.Int.check(Schema.isGreaterThan(0)), at: Schema.Date },
    success: Schema.Number
  }),
  Rpc.make("take", { payload: { n: Schema.Number }, success: Schema.String, error: Refused }),
  Rpc.make("reset", { success: Schema.Void }),
  Rpc.make("when", { success: Schema.Date })
) {}

const Counter = Actor.fromRpcs("rpc-counter", CounterRpcs, {
  state: { schema: Schema.Number, initial: 0 },
  handlers: {
    add: (state, { n }) => state + n,
    take: (state, { n }) =>
      n > state ? Effect.fail(new Refused({ balance: state })) : Effect.succeed(Actor.reply(state - n, `took ${n}`)),
    reset: () => Actor.reply(0),
    when: (state) => Actor.reply(state, new Date(1_000))
  }
})

const run = <A, E>(effect: Effect.Effect<A, E, ActorSystem>) =>
  Effect.provide(effect, ActorSystem.layerWithoutStorage())

describe("a plain object of handlers", () => {
  it.effect("answers with the new state, or with what reply() says", () =>
    run(
      Effect.gen(function* () {
        const account = (yield* ActorSystem).ref(Account, "a")
        expect(yield* account.deposit(10)).toEqual({ balance: 10 })
        expect(yield* account.balance()).toBe(10)
        expect(yield* account.depositLater(5)).toBe("thanks")
        expect(yield* account.withdraw(4)).toBe(4)
        expect(yield* account.balance()).toBe(11)
        expect(yield* account.clear()).toBeUndefined()
        expect(yield* account.balance()).toBe(0)
        expect(yield* account.note()).toBe("none")
        expect(yield* account.note("text")).toBe("text")
      })
    )
  )

  it.effect("tells the handler who it is", () =>
    run(
      Effect.gen(function* () {
        const account = (yield* ActorSystem).ref(Account, "a b")
        expect(yield* account.whoami()).toBe("a b at continuum://local/account/a%20b, whoami")
        expect(account.address).toBe("continuum://local/account/a%20b")
      })
    )
  )

  it.effect("passes an expected failure to the asker in its type, and leaves state and actor as they were", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const account = system.ref(Account, "a")
        yield* account.deposit(10)
        const error = yield* Effect.flip(account.withdraw(11))
        expect(error).toBeInstanceOf(Refused)
        expect(error).toEqual(new Refused({ balance: 10 }))
        expect(yield* account.balance()).toBe(10)
        expect(yield* system.inspect(account.address)).toMatchObject({ restarts: 0, failures: [], state: "idle" })
      })
    )
  )

  it.effect("gets the services that were there when it was registered", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const provided = yield* Effect.provideService(system.register(Signed), Clerk, { name: "Ada" })
        expect(yield* system.ref(provided, "x").sign("yes")).toBe("yes (Ada)")
      })
    )
  )

  it("has types for payload, reply, error and services", () => {
    type M = Actor.Messages<typeof Account>
    expectTypeOf<M["deposit"]["payload"]>().toEqualTypeOf<number>()
    expectTypeOf<M["deposit"]["reply"]>().toEqualTypeOf<{ balance: number }>()
    expectTypeOf<M["deposit"]["error"]>().toEqualTypeOf<never>()
    expectTypeOf<M["balance"]["payload"]>().toEqualTypeOf<void>()
    expectTypeOf<M["balance"]["reply"]>().toEqualTypeOf<number>()
    expectTypeOf<M["depositLater"]["reply"]>().toEqualTypeOf<string>()
    expectTypeOf<M["withdraw"]["reply"]>().toEqualTypeOf<number>()
    expectTypeOf<M["withdraw"]["error"]>().toEqualTypeOf<Refused>()
    expectTypeOf<M["clear"]["reply"]>().toEqualTypeOf<void>()
    expectTypeOf<keyof M>().toEqualTypeOf<
      "deposit" | "balance" | "depositLater" | "withdraw" | "clear" | "note" | "whoami"
    >()
    expectTypeOf<ActorRef<M>["withdraw"]>().returns.toEqualTypeOf<Effect.Effect<number, Refused | AskError>>()
    expectTypeOf<ActorRef<M>["withdraw"]>().parameters.toEqualTypeOf<[payload: number]>()
    expectTypeOf<ActorRef<M>["balance"]>().parameters.toEqualTypeOf<[]>()
    expectTypeOf<ActorRef<M>["note"]>().parameters.toEqualTypeOf<[payload?: string | undefined]>()
    expectTypeOf<PromiseRef<M>["depositLater"]>().returns.toEqualTypeOf<Promise<string>>()
    expectTypeOf<PromiseRef<M>["tell"]["deposit"]>().returns.toEqualTypeOf<void>()
    expectTypeOf<typeof Signed>().toExtend<Actor.Actor<"signed", string, any, Clerk>>()
    expectTypeOf<typeof Account>().toExtend<Actor.Actor<"account", { balance: number }, any, never>>()
  })

  it("is refused by the compiler where it breaks the rule", () => {
    // @ts-expect-error the result is not the state
    Actor.actor("bad", { state: 0, add: (state, n: number) => `${state}${n}` })
    const [number, text] = [
      Actor.actor("good", { state: 0, add: (state, n: number) => state + n }),
      Actor.actor("text", { state: "", add: (state, n: string) => state + n })
    ]
    const check = (system: ActorSystem["Service"]) => {
      // @ts-expect-error the payload is of another type
      system.ref(number, "x").add("1")
      // @ts-expect-error the payload is missing
      system.ref(text, "x").add()
      // @ts-expect-error there is no such message
      void system.ref(text, "x").remove
      // @ts-expect-error its handlers need a service that nobody provided
      system.ref(Signed, "x")
    }
    expect(check).toBeTypeOf("function")
  })

  it("is refused at once where it cannot work", () => {
    expect(() => Actor.actor("Bad Kind", { state: 0 })).toThrow("its kind")
    expect(() => Actor.actor("bad", { state: 0, tell: (state: number) => state })).toThrow('cannot be named "tell"')
    expect(() => Actor.actor("bad", { state: 0, oops: 1 })).toThrow("must be a function")
    expect(() => Actor.actor("bad", { state: 0 }, { priority: 256 })).toThrow(
      "priority must be a whole number from 0 to 255"
    )
    expect(() => Actor.actor("bad", { state: 0 }, { mailboxCapacity: 0 })).toThrow("mailboxCapacity")
    expect(() => Actor.actor("bad", { state: 0 }, { supervision: { jitter: 2 } })).toThrow("jitter")
  })
})

describe("an RpcGroup", () => {
  it.effect("follows the same reply rule", () =>
    run(
      Effect.gen(function* () {
        const counter = (yield* ActorSystem).ref(Counter, "c")
        expect(yield* counter.add({ n: 3, at: new Date(0) })).toBe(3)
        expect(yield* counter.take({ n: 1 })).toBe("took 1")
        expect(yield* Effect.flip(counter.take({ n: 9 }))).toEqual(new Refused({ balance: 2 }))
        expect(yield* counter.reset()).toBeUndefined()
        expect(yield* counter.when()).toEqual(new Date(1_000))
      })
    )
  )

  it.effect("checks a payload that its schema refuses, even when it is sent from this process", () =>
    run(
      Effect.gen(function* () {
        const counter = (yield* ActorSystem).ref(Counter, "c")
        const payload = { n: -3, at: new Date(0) }
        expect(yield* Effect.flip(counter.add(payload))).toMatchObject({ _tag: "PayloadMalformed", messageName: "add" })
        expect(yield* Effect.flip(counter.tell.add(payload))).toMatchObject({ _tag: "PayloadMalformed" })
      })
    )
  )

  it("may be called from other realms, which a plain object may not", () => {
    expect(Counter.exposed).toBe("mesh")
    expect(Account.exposed).toBe("realm")
  })

  it("has the types of its schemas", () => {
    type M = Actor.Messages<typeof Counter>
    expectTypeOf<M["take"]["payload"]>().toEqualTypeOf<{ readonly n: number }>()
    expectTypeOf<M["take"]["reply"]>().toEqualTypeOf<string>()
    expectTypeOf<M["take"]["error"]>().toEqualTypeOf<Refused>()
    expectTypeOf<ActorRef<M>["reset"]>().parameters.toEqualTypeOf<[]>()
    Actor.fromRpcs("bad", CounterRpcs, {
      state: { schema: Schema.Number, initial: 0 },
      handlers: {
        add: (state) => state,
        // @ts-expect-error the state is not the string that the rpc promises
        take: (state) => state,
        reset: () => Actor.reply(0),
        when: (state) => Actor.reply(state, new Date())
      }
    })
  })
})
