import { z } from 'zod'
import { component } from './component.ts'
import { faultCode } from './fault-code.ts'

/** problem+json (RFC 9457) with the error code, the request id, the field and the remedy. */
export const problem = component(
  'Problem',
  z.object({
    type: z.string().meta({ description: 'Path of the documentation of the code.' }),
    title: z.string().meta({ description: 'The meaning of the code, the same for all its problems.' }),
    status: z.int().meta({ description: 'The status of the response.' }),
    code: faultCode,
    detail: z.string().meta({ description: 'What is wrong, in one sentence.' }),
    requestId: z.string().meta({ description: 'The id of the request in the logs of the server.' }),
    traceId: z
      .string()
      .optional()
      .meta({ description: 'The trace of the request, where the server records traces.' }),
    field: z.string().optional().meta({ description: 'What is at fault, such as `steps[1].sigma`.' }),
    remedy: z.string().meta({ description: 'What to do.' }),
  }),
)
export type Problem = z.infer<typeof problem>
