import { workerHandlers } from '../kinds/worker-handlers.gen.ts'
import { workerMain } from './worker-main.ts'

/** Entry point of a worker process. */
await workerMain(workerHandlers)
