import { z } from 'zod'
import { faults, type FaultCode } from './fault.ts'

/** problem+json (RFC 9457) with the error code, the request id, the field and the remedy. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(faults) as [FaultCode, ...FaultCode[]]),
  detail: z.string(),
  requestId: z.string(),
  field: z.string().optional(),
  remedy: z.string(),
})
export type Problem = z.infer<typeof problem>
