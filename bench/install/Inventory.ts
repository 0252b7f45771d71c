/** What an install brought, and what of it could be left out. */

export interface Inventory {
  /** Largest first. `needed`: programs of this repository need it to run, not only its checks and tests. */
  readonly packages: ReadonlyArray<{ readonly name: string; readonly bytes: number; readonly needed: boolean }>
  readonly sourceMapBytes: number
  /** TypeScript sources of packages that also ship JavaScript. */
  readonly sourceBytes: number
}

const shown = 12

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`

const sum = (packages: Inventory["packages"]): number => packages.reduce((total, { bytes }) => total + bytes, 0)

/** Parts of what is needed that nothing here uses, and how each could go. */
const surplus: ReadonlyArray<{ readonly pattern: RegExp; readonly what: string; readonly how: string }> = [
  {
    pattern: /^assemblyscript\/node_modules\/binaryen$/,
    what: "a second binaryen, of the version that AssemblyScript asks for",
    how: "depend on that same version, and npm installs one"
  },
  {
    pattern: /^(redis|@redis\/.*)$/,
    what: "the Redis client, a peer dependency of @effect/platform-node that no module here loads",
    how: "`omit=peer` in .npmrc, once vite (a peer of vitest) is a dependency by itself"
  },
  {
    pattern: /^(deno|@deno\/.*)$/,
    what: "Deno, which only the command line needs; the node and its tests run on Bun",
    how: "run the command line on Bun where Deno is not installed anyway"
  }
]

/** The inventory as Markdown. */
export const textOf = (inventory: Inventory): string => {
  const needed = inventory.packages.filter((one) => one.needed)
  const developmentOnly = inventory.packages.filter((one) => !one.needed)
  const largest = inventory.packages
    .slice(0, shown)
    .map(({ bytes, name, needed }) => `| ${name} | ${megabytes(bytes)} | ${needed ? "run" : "develop"} |`)
  const left = [
    [
      "packages that only checks and tests need",
      sum(developmentOnly),
      "`npm install --omit=dev`, once Bun and Deno are ordinary dependencies"
    ],
    ...surplus.flatMap(({ how, pattern, what }) => {
      const bytes = sum(needed.filter(({ name }) => pattern.test(name)))
      return bytes === 0 ? [] : [[what, bytes, how] as const]
    }),
    ["source maps", inventory.sourceMapBytes, "only their packages can leave them out"],
    [
      "TypeScript sources beside the JavaScript made of them",
      inventory.sourceBytes,
      "only their packages can leave them out"
    ]
  ] as const
  return [
    `${inventory.packages.length} packages, ${megabytes(sum(inventory.packages))}; ${megabytes(sum(needed))} of it to run, the rest to develop. The largest:`,
    ["| package | size | needed to |", "| --- | ---: | --- |", ...largest].join("\n"),
    "What could be left out:",
    [
      "| what | size | how |",
      "| --- | ---: | --- |",
      ...left.map(([what, bytes, how]) => `| ${what} | ${megabytes(bytes)} | ${how} |`)
    ].join("\n")
  ].join("\n\n")
}
