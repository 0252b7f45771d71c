/** The version of every package and app of this repository; a test holds it against each package.json. */
export const version = "0.1.0"
