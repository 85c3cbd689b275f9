// Generated from the rows of core/actor-kinds.ts by docs/generate.ts; `./pixelflow verify --write` updates it.
import type { WorkerHandler } from '../sandbox/worker-handler.ts'
import { previewWorker } from './preview/preview-worker.ts'
import { transformWorker } from './transform/transform-worker.ts'

/** The part of each kind that runs in a worker process, by the name that work requests use. */
export const workerHandlers: Readonly<Record<string, WorkerHandler>> = {
  transform: transformWorker,
  preview: previewWorker,
}
