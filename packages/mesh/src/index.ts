export * as Blake3 from "./content/Blake3.ts"
export * as ContentRoutingMesh from "./content/ContentRoutingMesh.ts"
export * as VerifiedStream from "./content/VerifiedStream.ts"
