import type { KindWithJobs, KindWithSessions } from '../kind.ts'
import { createTransformJobHandler } from './transform-job-handler.ts'
import { createTransformSessionHandler } from './transform-session-handler.ts'

/** Applies recipes to images, in queued tasks and for callers that wait. */
export const transformKind: KindWithJobs & KindWithSessions = {
  createJobHandler: createTransformJobHandler,
  createSessionHandler: createTransformSessionHandler,
  finishesOnDrain: true,
}
