/** What a person types to run this program: what help, hints and examples begin with. */
export const program = "./jtag"
