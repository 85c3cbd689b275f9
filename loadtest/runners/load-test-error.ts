/** A load test that ended without a result. */
export class LoadTestError extends Error {
  override readonly name = 'LoadTestError'
  /** The last lines of the program, unless they were displayed. */
  readonly output: string

  constructor(message: string, output: string) {
    super(message)
    this.output = output
  }
}
