interface UsageDetails {
  /** What the user can do, in one sentence. */
  readonly remedy: string
  /** The option with the invalid value. */
  readonly field?: string
}

/** What the command line asks for is invalid or not possible on this machine. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly remedy: string
  readonly field: string | undefined

  constructor(message: string, { remedy, field }: UsageDetails) {
    super(message)
    this.remedy = remedy
    this.field = field
  }
}

const usageCode = 2

/** Prints the error as `./pixelflow` does, with `asJson` also to standard output, and exits with 2. Throws other errors again. */
export function exitForUsage(error: unknown, asJson: boolean): never {
  if (!(error instanceof UsageError)) throw error
  const { message, field, remedy } = error
  const fieldLine = field === undefined ? '' : `  field    ${field}\n`
  process.stderr.write(`error: ${message}\n${fieldLine}  remedy   ${remedy}\n`)
  if (asJson)
    console.log(JSON.stringify({ error: { code: usageCode, reason: 'usage', message, field, remedy } }))
  return process.exit(usageCode)
}
