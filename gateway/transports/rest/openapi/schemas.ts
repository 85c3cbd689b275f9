import { eventKind } from '@pixelflow/core/event'
import { faultCode } from '@pixelflow/core/fault-code'
import { imageFormat } from '@pixelflow/core/image'
import { lane } from '@pixelflow/core/job'
import { catalogue } from '@pixelflow/core/operations/index'
import { problem } from '@pixelflow/core/problem'
import { faultReport, outputFormat, status } from '@pixelflow/core/task'
import {
  actorsView,
  actorView,
  eventView,
  imageView,
  deadLetterPageView,
  deadLetterView,
  outputView,
  taskPageView,
  taskView,
} from '@pixelflow/core/views'
import { settingsView } from '../catalogue-routes.ts'
import { healthView } from '../../shared/health-view.ts'
import { operationCatalogueSchemas } from './operation-catalogue-schemas.ts'
import { recipeInputSchemas, stepSchemas, withDiscriminator } from './step-schemas.ts'
import { requestSchemas } from './request-schemas.ts'
import { serverSentEventSchemas } from './server-sent-event-schemas.ts'
import { toComponentSchemas } from './to-component-schemas.ts'

export { ref, type Json } from './ref.ts'
export { imageForm, laneDescription, laneSchema } from './request-schemas.ts'

/** Values that several bodies have, so that generated code has one type for each. */
const shared = {
  ErrorCode: faultCode,
  EventKind: eventKind,
  ImageFormat: imageFormat,
  Lane: lane,
  OutputFormat: outputFormat,
  TaskStatus: status,
}

/** Response bodies, and what they contain. */
const responses = {
  Image: imageView,
  Output: outputView,
  Recipe: catalogue.recipe,
  RecipeOutput: catalogue.recipeOutput,
  Step: catalogue.step,
  Task: taskView,
  TaskFault: faultReport,
  TaskPage: taskPageView,
  Event: eventView,
  Actor: actorView,
  Actors: actorsView,
  DeadLetter: deadLetterView,
  DeadLetterPage: deadLetterPageView,
  Problem: problem,
  Settings: settingsView,
  Health: healthView,
}

/** A component schema that calls name. */
export type SchemaName = keyof ReturnType<typeof componentSchemas>

/** Every body of the API, from the schemas that the code validates with. */
export function componentSchemas() {
  const { Step: step, ...others } = toComponentSchemas({ ...shared, ...responses, ...stepSchemas }, 'output')
  return {
    ...others,
    Step: withDiscriminator(step, ''),
    ...recipeInputSchemas(),
    ...requestSchemas(),
    ...operationCatalogueSchemas,
    ...serverSentEventSchemas,
    ProbeResult: {
      type: 'object',
      properties: { status: { type: 'string', enum: healthView.shape.status.options } },
      required: ['status'],
    },
  }
}
