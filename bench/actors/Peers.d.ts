/**
 * As much of the peers' types as is used here. `npm run bench` installs the peers; the type check must not need them.
 */
declare module "xstate" {
  interface Logic<State, Event> {
    readonly transition: (state: State, event: Event) => State
  }
  interface Running<State, Event> {
    readonly start: () => Running<State, Event>
    readonly send: (event: Event) => void
    readonly stop: () => unknown
    readonly getSnapshot: () => { readonly context: State }
  }
  export const fromTransition: <State, Event>(
    transition: (state: State, event: Event) => State,
    initial: State
  ) => Logic<State, Event>
  export const createActor: <State, Event>(logic: Logic<State, Event>) => Running<State, Event>
}

declare module "nact" {
  export const start: () => unknown
  export const spawn: <State, Message>(
    parent: unknown,
    behavior: (state: State, message: Message, context: { readonly self: unknown }) => State,
    name: string,
    options: { readonly initialState: State }
  ) => unknown
  export const stop: (actor: unknown) => void
  export const dispatch: (actor: unknown, message: unknown) => void
  export const query: <Reply>(actor: unknown, message: (reply: unknown) => unknown, timeoutMs: number) => Promise<Reply>
}
