/**
 * What is evaluated in QuickJS before any function: takes away what a function does not get, and defines how a value
 * goes in and comes out. It runs inside the metered engine, so getters, proxies and other tricks of the function's
 * result cost the function's fuel and reach nothing of the host.
 *
 * Values cross as JSON, with `{"$": ...}` for what JSON lacks; see `QuickJs.ts` for the other side.
 */
import { payloadDepthMax } from "@continuum/core/Limits"

/** Globals that a function does not get: clock, randomness, threads, garbage collection, and evaluating text. */
export const removedGlobals = ["Date", "WeakRef", "FinalizationRegistry", "Atomics", "SharedArrayBuffer", "eval"]

/**
 * The prelude: a script whose value is `[enter, finish, describe]`.
 *
 * `enter(main, text, plain, spread, charactersMax)` calls `main` with the value in `text`, which is JSON without `$` when
 * `plain`: `finish()` then gives the result as text, or throws what `main` threw, also when `main` was asynchronous and
 * its jobs have been run in between.
 * `describe(error)` gives `[kind, message]` as text.
 */
export const prelude = `(() => {
  "use strict"
  for (const name of ${JSON.stringify(removedGlobals)}) delete globalThis[name]
  delete Math.random

  const { parse, stringify } = JSON
  const { apply, getPrototypeOf } = Reflect
  const { keys, fromEntries, hasOwn, is, prototype: objectPrototype } = Object
  const { isArray } = Array
  const { join } = Array.prototype
  const { isView } = ArrayBuffer
  const then = Promise.prototype.then
  const opaque = [Map, Set, WeakMap, WeakSet, RegExp, Promise, Error, ArrayBuffer, DataView, String, Number, Boolean, Symbol, BigInt]

  const asNumber = (text) => (text[text.length - 1] === "n" ? BigInt(apply(slice, text, [0, -1])) : +text)
  const slice = String.prototype.slice
  const revive = (value) => {
    if (typeof value !== "object" || value === null) return value
    if (isArray(value)) {
      for (let i = 0; i < value.length; i++) value[i] = revive(value[i])
      return value
    }
    if ("$" in value) {
      const special = value.$
      if (typeof special === "string") return asNumber(special)
      if (isArray(special)) return new Uint8Array(special)
      value = special
    }
    const entries = []
    for (const key of keys(value)) entries[entries.length] = [key, revive(value[key])]
    return fromEntries(entries)
  }

  // Written for an interpreter whose every step costs some hundred instructions: few calls, no iterators.
  const makeWriter = (charactersMax) => {
    const chunks = []
    let length = 0
    let text = ""
    // Appending to a string copies it, so only short ones are appended to.
    const flush = () => {
      length += text.length
      if (length > charactersMax) throw new RangeError("the output is larger than " + charactersMax + " characters of JSON")
      chunks[chunks.length] = text
      text = ""
    }
    const write = (value, depth) => {
      const type = typeof value
      if (type === "number") {
        if (value - value !== 0) text += '{"$":"' + value + '"}'
        else text += is(value, -0) ? '{"$":"-0"}' : value
      } else if (type === "string") text += stringify(value)
      else if (type === "boolean") text += value
      else if (value === undefined || value === null) text += "null"
      else if (type === "bigint") text += '{"$":"' + value + 'n"}'
      else if (type !== "object") throw new TypeError("the output holds a " + type + ", which is no plain data")
      else writeObject(value, depth)
      if (text.length > 200) flush()
    }
    const writeObject = (value, depth) => {
      if (depth >= ${payloadDepthMax}) throw new TypeError("the output is nested deeper than ${payloadDepthMax}, or contains itself")
      if (isArray(value) || (isView(value) && !(value instanceof DataView))) return writeList(value, depth)
      const prototype = getPrototypeOf(value)
      if (prototype !== objectPrototype && prototype !== null) checkPlain(value)
      const names = keys(value)
      const escaped = hasOwn(value, "$")
      text += escaped ? '{"$":{' : "{"
      let separator = ""
      for (let i = 0; i < names.length; i++) {
        const property = value[names[i]]
        if (property === undefined) continue
        text += separator + stringify(names[i]) + ":"
        separator = ","
        write(property, depth + 1)
      }
      text += escaped ? "}}" : "}"
    }
    const writeList = (value, depth) => {
      const bytes = value instanceof Uint8Array || value instanceof Uint8ClampedArray
      text += bytes ? '{"$":[' : "["
      for (let i = 0; i < value.length; i++) {
        if (i > 0) text += ","
        write(value[i], depth + 1)
      }
      text += bytes ? "]}" : "]"
    }
    return (value) => {
      write(value, 0)
      flush()
      return apply(join, chunks, [""])
    }
  }
  const checkPlain = (value) => {
    for (const type of opaque) {
      if (value instanceof type) throw new TypeError("the output holds a " + type.name + ", which is no plain data")
    }
  }

  let result
  const enter = (main, text, plain, spread, charactersMax) => {
    result = () => { throw new Error("the promise that it returned never settles") }
    const settle = (value) => { result = () => makeWriter(charactersMax)(value) }
    // Most inputs are JSON as they are.
    const input = plain ? parse(text) : revive(parse(text))
    const value = spread ? apply(main, undefined, input) : main(input)
    if (!(value instanceof Promise)) return settle(value)
    apply(then, value, [settle, (error) => { result = () => { throw error } }])
  }
  const finish = () => result()

  const cut = (text) => (text.length > 500 ? apply(slice, text, [0, 500]) + "..." : text)
  const describe = (error) => {
    let kind = "error"
    let message
    try {
      if (typeof error === "object" && error !== null && "message" in error) {
        const name = "" + error.name
        message = name + ": " + error.message
        if (name === "InternalError" && error.message === "out of memory") kind = "memory"
      } else message = typeof error === "symbol" ? "a symbol" : "" + error
    } catch {
      message = "an error that cannot be shown"
    }
    return stringify([kind, cut(message)])
  }
  return [enter, finish, describe]
})()`
