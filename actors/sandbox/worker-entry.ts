import { workerHandlers } from '../kinds/worker-handlers.ts'
import { workerMain } from './worker-main.ts'

/** Entry point of a child process. */
await workerMain(workerHandlers)
