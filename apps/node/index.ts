import { main } from "./src/Main.ts"

main(process.argv.slice(2))
