import { Elysia } from 'elysia'
import { z } from 'zod'
import type { Admission } from '../../accounts/authenticator.ts'
import { anybody } from '../shared/authenticate.ts'

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
export type Examine = () => Promise<HealthView>

/**
 * Live: the process answers. Ready: it can serve, that is, the broker answers and commits writes, and the task list has
 * caught up. Nobody is asked who they are: probes come from the machinery around us, by whatever name it knows us,
 * and get the bare status. The whole view is for those who may see the page: without tokens, for this machine alone.
 */
export function health(admission: Admission, examine: Examine) {
  return new Elysia({ name: 'health', prefix: '/health' })
    .get('/live', () => plain(200, { status: 'ok' }))
    .get('/ready', async () => {
      const { status } = await examine()
      return plain(status === 'ok' ? 200 : 503, { status })
    })
    .use(anybody(admission))
    .get('/', async () => {
      const view = await examine()
      return plain(view.status === 'ok' ? 200 : 503, view)
    })
}

function plain(status: number, view: unknown): Response {
  return Response.json(view, { status, headers: { 'cache-control': 'no-store' } })
}
