import type { WorkerHandler } from '../sandbox/worker-message.ts'
import { previewWorker } from './preview/preview-worker.ts'
import { transformWorker } from './transform/transform-worker.ts'

/** The half of each kind that runs in a child, by the name it is ordered under. */
export const workerHandlers: Readonly<Record<string, WorkerHandler>> = {
  transform: transformWorker,
  preview: previewWorker,
}
