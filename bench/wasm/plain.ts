/**
 * The same modules as they are, through plain `WebAssembly`: nothing is metered, nothing is checked. Values of 1 kB cross by
 * msgpackr, as ours do.
 */
import { Packr } from "msgpackr"
import { check, finish, measure } from "../Measure.ts"
import { echoModule, kernels, kernelsModule, kilobyte } from "./Kernels.ts"

const load = (bytes: Uint8Array): WebAssembly.Exports =>
  new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes))).exports

const bytes = await kernelsModule()
for (const { input, name, output } of kernels) {
  const run = load(bytes)[name] as (input: number) => number
  await measure(name, (operations) => {
    let result: unknown
    for (let i = 0; i < operations; i++) result = run(input)
    check(name, result, output)
  })
}

const packr = new Packr({ useRecords: false })
const echo = load(await echoModule()) as unknown as {
  readonly memory: WebAssembly.Memory
  readonly alloc: (length: number) => number
  readonly run: (address: number, length: number) => bigint
}
await measure("raw1", (operations) => {
  let result: unknown
  for (let i = 0; i < operations; i++) {
    const payload = packr.pack(kilobyte)
    const address = echo.alloc(payload.length)
    new Uint8Array(echo.memory.buffer, address, payload.length).set(payload)
    const packed = echo.run(address, payload.length)
    const length = Number(packed & 0xffff_ffffn)
    const output = new Uint8Array(echo.memory.buffer, Number(packed >> 32n), length).slice()
    result = packr.unpack(output)
  }
  check("What came back", JSON.stringify(result), JSON.stringify(kilobyte))
})
finish()
