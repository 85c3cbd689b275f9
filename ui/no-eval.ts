import { z } from 'zod'

// The page's content security policy forbids `eval`. zod probes for it unless `jitless` is set, and browsers report the
// probe as a violation. core creates schemas when it is loaded, so recipe-parser.ts imports this file first.
z.config({ jitless: true })
