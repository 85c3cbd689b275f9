/** What the exit code of every command means; `--help` shows this table. */
export const exitCodes = {
  ok: 0,
  /** The task, or whatever the command was asked to do, failed. */
  failed: 1,
  /** The command line, a setting, the recipe or the picture cannot be used as it is. */
  usage: 2,
  unreachable: 3,
  /** A token is missing, wrong, or not allowed to do this. */
  denied: 4,
  interrupted: 130,
} as const

type Ending = keyof typeof exitCodes

/** Ends the command: one line for people about what happened, one about what to do, and the exit code. */
export class Exit extends Error {
  override readonly name = 'Exit'
  readonly ending: Ending
  readonly remedy: string | undefined
  readonly field: string | undefined
  readonly requestId: string | undefined

  constructor(
    ending: Ending,
    message: string,
    more: { remedy?: string; field?: string; requestId?: string; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.ending = ending
    this.remedy = more.remedy
    this.field = more.field
    this.requestId = more.requestId
  }

  get code(): number {
    return exitCodes[this.ending]
  }
}
