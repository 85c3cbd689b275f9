import { workerHandlers } from '../kinds/worker-handlers.ts'
import { workerMain } from './worker-main.ts'

/** Entry point of a worker process. */
await workerMain(workerHandlers)
