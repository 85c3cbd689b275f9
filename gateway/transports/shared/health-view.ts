import { z } from 'zod'

const check = z.object({ ok: z.boolean(), detail: z.string().optional() })

/** Everything that a person who looks after a gateway wants to see at once. */
export const healthView = z.object({
  status: z.enum(['ok', 'unavailable', 'draining']),
  version: z.string(),
  uptimeSeconds: z.number(),
  checks: z.object({
    /** Whether the store behind everything answers, and how fast. */
    broker: check.extend({ roundTripMs: z.number().optional() }),
    /** Whether the store commits writes, and how long ago it was last seen to. */
    writes: check.extend({ ageMs: z.int().optional() }),
    /**
     * Whether the task list has caught up with the event log. `behind` counts the events it lacks; `lagMs` is how long
     * after it was written the last one was taken in.
     */
    events: check.extend({ position: z.int(), behind: z.int().optional(), lagMs: z.number().optional() }),
  }),
  load: z.object({
    watchers: z.int(),
    /** gRPC calls under way. */
    calls: z.int(),
    /** Bytes of downloads under way. */
    leavingBytes: z.int(),
    /** Downloads that wait in or are sent from a file. */
    spooledFiles: z.int(),
    residentBytes: z.int(),
  }),
})
export type HealthView = z.infer<typeof healthView>

/** Looks at everything; bounded in time, never throws. */
export type CheckHealth = () => Promise<HealthView>
