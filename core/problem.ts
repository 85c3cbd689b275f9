import { z } from 'zod'
import { component } from './component.ts'
import { faultCode } from './fault-code.ts'

/** problem+json (RFC 9457) with the error code, the request id, the field and the remedy. */
export const problem = component(
  'Problem',
  z.object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: faultCode,
    detail: z.string(),
    requestId: z.string(),
    field: z.string().optional(),
    remedy: z.string(),
  }),
)
export type Problem = z.infer<typeof problem>
