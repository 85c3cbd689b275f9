import { component } from '@pixelflow/core/component'
import { z } from 'zod'

const check = z.object({ ok: z.boolean(), detail: z.string().optional() })

/** The health of a gateway in one document, for operators. */
export const healthView = component(
  'Health',
  z.object({
    status: z.enum(['ok', 'unavailable', 'draining']),
    version: z.string(),
    uptimeSeconds: z.number(),
    checks: z.object({
      /** Whether the broker answers, and its round-trip time. */
      broker: check.extend({ roundTripMs: z.number().optional() }),
      /** Whether the broker commits writes, and the age of the last write that was seen to succeed. */
      writes: check.extend({ ageMs: z.int().optional() }),
      /**
       * Whether the task list has caught up with the event log. `sequence` is that of its last event, `lagEvents` the number
       * of missing events, and `lagMs` the time from the writing of the last event to its arrival in the task list.
       */
      taskList: check.extend({
        sequence: z.int(),
        lagEvents: z.int().optional(),
        lagMs: z.number().optional(),
      }),
    }),
    load: z.object({
      watchers: z.int(),
      /** Active gRPC calls. */
      calls: z.int(),
      /** Bytes of the responses that are being sent. */
      inFlightResponseBytes: z.int(),
      /** Files in the disk spool. */
      spooledFiles: z.int(),
      residentBytes: z.int(),
    }),
  }),
)
export type HealthView = z.infer<typeof healthView>

/** What a probe gets. */
export const probeView = component('ProbeResult', z.object({ status: healthView.shape.status }))

/** Runs all health checks within a bounded time; never throws. */
export type CheckHealth = () => Promise<HealthView>
