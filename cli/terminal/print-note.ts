/** Prints a line for the user on standard error, so that standard output has only the result. */
export function printNote(text: string): void {
  process.stderr.write(`pixelflow: ${text}\n`)
}
