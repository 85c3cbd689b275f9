import { z } from 'zod'
import { faults, type FaultCode } from './faults.ts'

/** Schema of an error code. */
export const faultCode = z.enum(Object.keys(faults) as [FaultCode, ...FaultCode[]])
