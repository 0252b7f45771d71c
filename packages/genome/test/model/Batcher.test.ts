import { Batcher, type Model, type RowEvent, type RowRequest } from "@continuum/genome/model/Batcher"
import { assert, describe, it } from "@effect/vitest"

/** What the counting model says after these tokens: a letter that depends on each of them, its place, and the layers. */
const following = (tokens: ReadonlyArray<number>, layers: number): number =>
  97 + (tokens.reduce((sum, token, place) => (sum + (token + 1) * (place + 3)) % 99991, layers * 17) % 26)

/**
 * A model that keeps each token as its key and each position, from 1, as its value, so that a row which sees a wrong token,
 * a filling (0) or another row's past says something else than `following`. Counts its runs.
 */
const countingModel = (contextTokens = 64) => {
  const runs: Array<{ readonly rows: number; readonly sequence: number }> = []
  const model: Model<number> = {
    vocabulary: 264,
    contextTokens,
    blocks: 1,
    heads: 1,
    headSize: 1,
    forward: async ({ rows, sequence, tokens, positions, attended, past, layers }) => {
      runs.push({ rows, sequence })
      await Promise.resolve()
      const width = past.width + sequence
      const keys = new Float32Array(rows * width)
      const values = new Float32Array(rows * width)
      const logits = new Float32Array(rows * sequence * 264)
      for (let row = 0; row < rows; row++) {
        keys.set(past.tensors[0]!.subarray(row * past.width, (row + 1) * past.width), row * width)
        values.set(past.tensors[1]!.subarray(row * past.width, (row + 1) * past.width), row * width)
        for (let i = 0; i < sequence; i++) {
          keys[row * width + past.width + i] = Number(tokens[row * sequence + i])
          values[row * width + past.width + i] = Number(positions[row * sequence + i]) + 1
        }
        const seen: Array<number> = []
        let fillings = 0
        for (let at = 0; at < width; at++) {
          if (attended[row * width + at] !== 1n) continue
          const place = values[row * width + at]!
          if (place === 0) fillings++
          else seen[place - 1] = keys[row * width + at]!
        }
        logits[(row * sequence + sequence - 1) * 264 + following(seen, layers[row]! + 5 * fillings)] = 1
      }
      return { logits, past: [keys, values] }
    }
  }
  return { model, runs }
}

const request = (
  id: number,
  prompt: ReadonlyArray<number>,
  more: Partial<RowRequest<number>> = {}
): RowRequest<number> => ({
  id,
  prompt,
  layers: 0,
  composition: String(more.layers ?? 0),
  sampling: {},
  tokensMax: 8,
  priority: 128,
  ...more
})

const expected = ({ prompt, layers, tokensMax }: RowRequest<number>): ReadonlyArray<number> => {
  const tokens = [...prompt]
  for (let i = 0; i < tokensMax; i++) tokens.push(following(tokens, layers))
  return tokens.slice(prompt.length)
}

/** Steps until nothing is left; tokens by row, and the order in which rows ended. */
const drain = async (batcher: Batcher<number>, onStep: (events: ReadonlyArray<RowEvent>) => void = () => {}) => {
  const tokens = new Map<number, Array<number>>()
  const ended: Array<number> = []
  for (let steps = 0; batcher.size > 0; steps++) {
    assert.isBelow(steps, 10_000)
    const events = await batcher.step()
    for (const event of events) {
      if (event._tag === "End") ended.push(event.id)
      else tokens.set(event.id, [...(tokens.get(event.id) ?? []), event.token])
    }
    onStep(events)
  }
  return { tokens, ended }
}

const prompt = (length: number, seed: number) => Array.from({ length }, (_, i) => (i * 31 + seed * 7) % 256)

describe("Batcher", () => {
  it("gives each of many rows what it would get alone, whatever their lengths and layers", async () => {
    const { model, runs } = countingModel(400)
    const batcher = new Batcher(model, () => 0, 5)
    const requests = Array.from({ length: 23 }, (_, i) =>
      request(i, prompt(1 + ((i * 37) % 300), i), { layers: i % 3, tokensMax: 1 + ((i * 5) % 11) })
    )
    for (const one of requests) batcher.start(one)
    const { tokens } = await drain(batcher)
    for (const one of requests) assert.deepStrictEqual(tokens.get(one.id), expected(one), `row ${one.id}`)
    assert.isTrue(runs.some(({ rows }) => rows === 5))
    assert.isTrue(runs.every(({ rows, sequence }) => rows <= 5 && sequence <= 128))
  })

  it("rows may come and go at any step", async () => {
    const { model } = countingModel()
    const batcher = new Batcher(model, () => 0, 4)
    const requests = Array.from({ length: 12 }, (_, i) => request(i, prompt(3 + i, i), { tokensMax: 4 + (i % 5) }))
    let next = 0
    batcher.start(requests[next++]!)
    batcher.start(request(99, prompt(5, 99), { tokensMax: 50 }))
    let steps = 0
    const { tokens } = await drain(batcher, () => {
      if (++steps === 5) batcher.cancel(99)
      if (steps % 2 === 0 && next < requests.length) batcher.start(requests[next++]!)
    })
    for (const one of requests) assert.deepStrictEqual(tokens.get(one.id), expected(one))
    assert.isBelow(tokens.get(99)!.length, 6)
  })

  it("a better priority goes first, and who gives way goes on where it stopped", async () => {
    const { model, runs } = countingModel()
    const batcher = new Batcher(model, () => 0, 1)
    const low = request(1, prompt(4, 1), { tokensMax: 20, priority: 10 })
    const high = request(2, prompt(4, 2), { tokensMax: 5, priority: 200 })
    batcher.start(low)
    for (let i = 0; i < 6; i++) await batcher.step()
    batcher.start(high)
    const { tokens, ended } = await drain(batcher)
    assert.deepStrictEqual(ended, [2, 1])
    assert.deepStrictEqual(tokens.get(2), expected(high))
    assert.deepStrictEqual(tokens.get(1), expected(low).slice(-tokens.get(1)!.length))
    // One run for each token, the first with its prompt: nothing was computed twice.
    assert.strictEqual(runs.length, 20 + 5)
  })

  it("waiting raises the priority by 1 a second, so that nobody waits for ever", async () => {
    const { model } = countingModel()
    let nowMs = 0
    const batcher = new Batcher(model, () => nowMs, 1)
    batcher.start(request(1, prompt(4, 1), { priority: 10, tokensMax: 2 }))
    let others = 2
    batcher.start(request(others++, prompt(4, 2), { priority: 20, tokensMax: 2 }))
    let endedAtMs: number | undefined
    for (let i = 0; i < 400 && endedAtMs === undefined; i++) {
      nowMs += 100
      if (i % 2 === 0) batcher.start(request(others++, prompt(4, others), { priority: 20, tokensMax: 2 }))
      const events = await batcher.step()
      if (events.some((event) => event._tag === "End" && event.id === 1)) endedAtMs = nowMs
    }
    assert.isAbove(endedAtMs ?? 0, 9_000)
    assert.isBelow(endedAtMs ?? Number.POSITIVE_INFINITY, 14_000)
  })

  it("a long prompt is read in pieces, with tokens of the others between them", async () => {
    const { model, runs } = countingModel(1000)
    const batcher = new Batcher(model, () => 0, 4)
    batcher.start(request(1, prompt(4, 1), { tokensMax: 20 }))
    await batcher.step()
    await batcher.step()
    batcher.start(request(2, prompt(600, 2), { tokensMax: 1 }))
    const before = runs.length
    const order: Array<string> = []
    await drain(batcher, (events) => order.push(events.length === 0 ? "read" : "token"))
    assert.deepStrictEqual(order.slice(0, 8), ["read", "token", "read", "token", "read", "token", "read", "token"])
    assert.strictEqual(runs.slice(before).filter(({ sequence }) => sequence > 1).length, 5)
  })

  it("the run that ends a prompt gives the first token, which may be the last, and is forgotten when its row is gone", async () => {
    const { model, runs } = countingModel()
    const batcher = new Batcher(model, () => 0, 4)
    const one = request(1, prompt(6, 1), { tokensMax: 1 })
    batcher.start(one)
    const [first, end] = await batcher.step()
    assert.deepStrictEqual(first, { _tag: "Token", id: 1, token: expected(one)[0]! })
    assert.deepStrictEqual(end, { _tag: "End", id: 1, reason: "length" })
    assert.deepStrictEqual(runs, [{ rows: 1, sequence: 6 }])
    // What it read is known to the next one that begins so, whose last token alone is left to read.
    assert.strictEqual(batcher.start(request(2, [...one.prompt, ...expected(one)], { tokensMax: 1 })), 6)
    const step = batcher.step()
    batcher.cancel(2)
    assert.deepStrictEqual(await step, [])
    assert.strictEqual(batcher.start(request(3, prompt(9, 3))), 0)
    const other = batcher.step()
    batcher.cancel(3)
    assert.deepStrictEqual(await other, [])
    assert.strictEqual(batcher.size, 0)
  })

  it("ends at the context, at a mark, and after the wanted number of tokens", async () => {
    const { model } = countingModel(10)
    const batcher = new Batcher(model, () => 0, 4)
    batcher.start(request(1, prompt(6, 1), { tokensMax: 100 }))
    const full = await drain(batcher)
    assert.strictEqual(full.tokens.get(1)!.length, 4)
    const ending: Model<number> = {
      ...model,
      forward: async (run) => {
        const result = await model.forward(run)
        const at = run.rows * run.sequence * 264 - 264
        if (run.past.width >= 7) result.logits[at + 257] = 2
        return result
      }
    }
    const other = new Batcher(ending, () => 0, 4)
    other.start(request(1, prompt(6, 1)))
    const events: Array<RowEvent> = []
    await drain(other, (step) => events.push(...step))
    assert.deepStrictEqual(events.at(-1), { _tag: "End", id: 1, reason: "stop" })
    assert.strictEqual(events.length, 3)
  })
})
