/** Exit codes of all commands; `--help` shows this table. */
export const exitCodes = {
  ok: 0,
  /** The task or the command failed. */
  failed: 1,
  /** The command line, a setting, the recipe or the image is invalid. */
  usage: 2,
  unreachable: 3,
  /** Credentials are missing, invalid or without the required scope. */
  denied: 4,
  interrupted: 130,
} as const

type ExitReason = keyof typeof exitCodes

interface ExitDetails {
  /** What the user can do, in one sentence. */
  readonly remedy: string
  /** The invalid option, setting or parameter. */
  readonly field?: string | undefined
  readonly requestId?: string | undefined
  /** What a library reports, in its own words. */
  readonly libraryMessage?: string | undefined
  readonly cause?: unknown
}

/** Ends the command with a message, a remedy and an exit code. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly reason: ExitReason
  readonly remedy: string | undefined
  readonly field: string | undefined
  readonly requestId: string | undefined
  readonly libraryMessage: string | undefined

  /** Every reason except an interruption requires a remedy. */
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
    this.libraryMessage = details?.libraryMessage
  }

  get code(): number {
    return exitCodes[this.reason]
  }
}
