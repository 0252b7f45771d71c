/** Creates an actor, sends it one message, and forgets it. An operation is one actor. */
import { check, finished, type Library, type Program } from "./Library.ts"

export const createAll = async (spawn: Library["spawn"], operations: number): Promise<void> => {
  let sum = 0
  await finished<void>((done) => {
    let left = operations
    for (let i = 0; i < operations; i++) {
      spawn<number>((value) => {
        sum += value
        if (--left === 0) done()
      })(i)
    }
  })
  check("The sum", sum, (operations * (operations - 1)) / 2)
}

export const forkJoinCreate: Program = {
  id: "fjcreate",
  label: "Fork-join, creation",
  run: ({ spawn }, operations) => createAll(spawn, operations)
}
