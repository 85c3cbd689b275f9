import { formatIds } from '@pixelflow/core/format'
import { Elysia } from 'elysia'
import { z } from 'zod'
import type { Admission } from '../../accounts/authenticator.ts'
import type { ImageLimits } from '../../ports.ts'
import type { Usecases } from '../../usecases.ts'
import { anybody, caller } from '../shared/authenticate.ts'

/** What a client has to know before its first call; anybody may. */
export const settingsView = z.object({
  version: z.string(),
  maxUploadBytes: z.int(),
  maxPixels: z.int(),
  /** Formats of images that are taken. */
  formats: z.array(z.enum(formatIds)),
  /** What calls need: nothing, a bearer token, or a client certificate. */
  auth: z.enum(['none', 'token', 'certificate']),
})

export interface CatalogueRoutes {
  readonly usecases: Usecases
  readonly admission: Admission
  readonly limits: ImageLimits
  readonly version: string
}

export function operations({ usecases, admission }: CatalogueRoutes) {
  return new Elysia({ name: 'operations' })
    .use(caller(admission))
    .get('/api/v1/operations', ({ who }) => usecases.listOperations(who))
}

export function settings({ admission, limits, version }: CatalogueRoutes) {
  const view: z.infer<typeof settingsView> = {
    version,
    maxUploadBytes: limits.maxUploadBytes,
    maxPixels: limits.maxPixels,
    formats: formatIds,
    auth: admission.auth,
  }
  return new Elysia({ name: 'settings' }).use(anybody(admission)).get('/api/v1/settings', () => view)
}
