import { innerHalves } from '../kinds/worker-handlers.ts'
import { serve } from './worker-main.ts'

/** Entry point of a child process. */
await serve(innerHalves)
