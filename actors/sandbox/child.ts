import { innerHalves } from '../kinds/inner.ts'
import { serve } from './serve.ts'

/** Entry point of a child process. */
await serve(innerHalves)
