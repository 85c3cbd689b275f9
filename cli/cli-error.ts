/** What the exit code of every command means; `--help` shows this table. */
export const exitCodes = {
  ok: 0,
  /** The task, or what the command was asked to do, failed. */
  failed: 1,
  /** The command line, a setting, the recipe or the image cannot be used as it is. */
  usage: 2,
  unreachable: 3,
  /** A token is missing, wrong, or not allowed to do this. */
  denied: 4,
  interrupted: 130,
} as const

type Ending = keyof typeof exitCodes

interface ExitDetails {
  /** What to do about it, as one sentence. */
  readonly remedy: string
  /** The option, setting or parameter at fault. */
  readonly field?: string | undefined
  readonly requestId?: string | undefined
  readonly cause?: unknown
}

/** Ends the command: one line for people about what happened, one about what to do, and the exit code. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly ending: Ending
  readonly remedy: string | undefined
  readonly field: string | undefined
  readonly requestId: string | undefined

  /** An interruption needs no remedy; everything else has one. */
  constructor(
    ...[ending, message, details]:
      | [ending: 'interrupted', message: string]
      | [ending: Exclude<Ending, 'ok' | 'interrupted'>, message: string, details: ExitDetails]
  ) {
    super(message, details?.cause === undefined ? undefined : { cause: details.cause })
    this.ending = ending
    this.remedy = details?.remedy
    this.field = details?.field
    this.requestId = details?.requestId
  }

  get code(): number {
    return exitCodes[this.ending]
  }
}
