import type { FaultRow } from './fault-row.ts'
import { faultRow, type FaultCode } from './faults.ts'

export type { FaultRow } from './fault-row.ts'
export { faultCodesWith, faultRow, faults, type FaultCode } from './faults.ts'

/** What the caller needs to correct the request. Public: never contains internal details. */
export interface FaultHints {
  /** The field, header, variable or parameter at fault, e.g. `steps[1].sigma`. */
  readonly field?: string
  /** What to do, in one or two sentences. */
  readonly remedy?: string
  /** Milliseconds after which another try makes sense. */
  readonly retryAfterMs?: number
}

/** The serialized form of a Fault in events, worker messages and answers. */
export interface FaultReport extends FaultHints {
  readonly code: FaultCode
  readonly detail: string
}

/** The only error type that crosses a process border. `detail` is public; `cause` stays in the logs. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: FaultCode
  /** Always has a remedy: the one in the fault table if none was given. */
  readonly hints: FaultHints & { readonly remedy: string }

  constructor(code: FaultCode, detail: string, hints: FaultHints & { cause?: unknown } = {}) {
    const { cause, ...rest } = hints
    // Truncating a long name may leave a lone surrogate, which not every transport can send.
    super(detail.toWellFormed(), cause === undefined ? undefined : { cause })
    this.code = code
    this.hints = { remedy: faultRow(code).remedy, ...rest }
  }

  get row(): FaultRow {
    return faultRow(this.code)
  }

  report(): FaultReport {
    return { code: this.code, detail: this.message, ...this.hints }
  }

  static from(report: FaultReport): Fault {
    const { code, detail, ...hints } = report
    return new Fault(code, detail, hints)
  }

  /** Converts any thrown value. One that is not a Fault becomes `internal`, with the value as the private cause. */
  static of(thrown: unknown): Fault {
    if (thrown instanceof Fault) return thrown
    return new Fault('internal', 'An unexpected error occurred.', { cause: thrown })
  }
}

/** Codes that earlier versions wrote into events and dead letters, with the code that replaces each. */
const renamedCodes: Readonly<Record<string, FaultCode>> = {
  out_of_bounds: 'resource_limit_exceeded',
  unreadable: 'incompatible_record',
}

/** The current name of a stored code. Other values are returned unchanged. */
export function currentCode<T>(code: T): T | FaultCode {
  const isRenamed = typeof code === 'string' && Object.hasOwn(renamedCodes, code)
  return (isRenamed ? renamedCodes[code] : undefined) ?? code
}
