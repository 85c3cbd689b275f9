/** What the exit code of every command means; `--help` shows this table. */
export const exitCodes = {
  ok: 0,
  /** The task, or what the command was asked to do, failed. */
  failed: 1,
  /** The command line, a setting, the recipe or the image is invalid. */
  usage: 2,
  unreachable: 3,
  /** A token is missing, wrong, or not allowed to do this. */
  denied: 4,
  interrupted: 130,
} as const

type ExitReason = keyof typeof exitCodes

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
  readonly reason: ExitReason
  readonly remedy: string | undefined
  readonly field: string | undefined
  readonly requestId: string | undefined

  /** An interruption needs no remedy; everything else has one. */
  constructor(
    ...[reason, message, details]:
      | [reason: 'interrupted', message: string]
      | [reason: Exclude<ExitReason, 'ok' | 'interrupted'>, message: string, details: ExitDetails]
  ) {
    super(message, details?.cause === undefined ? undefined : { cause: details.cause })
    this.reason = reason
    this.remedy = details?.remedy
    this.field = details?.field
    this.requestId = details?.requestId
  }

  get code(): number {
    return exitCodes[this.reason]
  }
}
