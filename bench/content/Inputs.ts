/** What both sides hash, and the right answers. */
export const inputs: ReadonlyArray<{ readonly id: string; readonly content: Uint8Array; readonly hash: string }> = [
  {
    id: "megabytes",
    content: fill(16 * 1024 * 1024),
    hash: "869b1292c8bed5bdb2e0075e0c50ccf8b24b33a0f81071c86206bd8fdb269579"
  },
  { id: "group", content: fill(256 * 1024), hash: "d57dc906e20d3fd326ffaa85535500486f46a0979f5a323f028dcabfd381fd4a" },
  { id: "kilobyte", content: fill(1024), hash: "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7" }
]

/** The bytes 0, 1, ..., 250, 0, 1, ... */
function fill(length: number): Uint8Array {
  return new Uint8Array(length).map((_, i) => i % 251)
}
