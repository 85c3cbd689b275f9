import { eventKind } from '@pixelflow/core/event'
import { faultCode } from '@pixelflow/core/fault-code'
import { imageFormat } from '@pixelflow/core/image'
import { lane } from '@pixelflow/core/job'
import { catalogue } from '@pixelflow/core/operations/index'
import { faultReport, outputFormat, status } from '@pixelflow/core/task'
import type { z } from 'zod'
// These two name schemas that no call declares.
import '@pixelflow/core/problem'
import '@pixelflow/gateway/transports/shared/health-view'
import { components } from '@pixelflow/core/component'
import { recipeInputSchemas, stepSchemas, withDiscriminator } from './step-schemas.ts'
import { requestSchemas } from './request-schemas.ts'
import { serverSentEventSchemas } from './server-sent-event-schemas.ts'
import type { Json } from './ref.ts'
import { toComponentSchemas } from './to-component-schemas.ts'

/** Values that several bodies have, so that generated code has one type for each. */
const shared = {
  ErrorCode: faultCode,
  EventKind: eventKind,
  ImageFormat: imageFormat,
  Lane: lane,
  OutputFormat: outputFormat,
  TaskStatus: status,
}

/** Parts of the views of tasks that have a name of their own in the document. */
const partsOfTasks = {
  Recipe: catalogue.recipe,
  RecipeOutput: catalogue.recipeOutput,
  Step: catalogue.step,
  TaskFault: faultReport,
}

/** Every schema of a response, and what it contains, by name. */
export const outputSchemas: Readonly<Record<string, z.ZodType>> = {
  ...shared,
  ...partsOfTasks,
  ...stepSchemas,
  ...Object.fromEntries(components),
}

/** Every body of the API, from the schemas that the code validates with. */
export function componentSchemas(): Record<string, Json> {
  const { Step: step = {}, ...others } = toComponentSchemas(outputSchemas, 'output')
  return {
    ...others,
    Step: withDiscriminator(step, ''),
    ...recipeInputSchemas(),
    ...requestSchemas(),
    ...serverSentEventSchemas,
  }
}
