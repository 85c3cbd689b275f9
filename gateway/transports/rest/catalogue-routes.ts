import { formatIds } from '@pixelflow/core/format'
import { imageFormat } from '@pixelflow/core/image'
import { Elysia } from 'elysia'
import { z } from 'zod'
import type { Authenticator } from '../../accounts/authenticator.ts'
import type { ImageLimits } from '../../ports.ts'
import type { Usecases } from '../../usecases.ts'
import { originCheck, authenticate } from '../shared/authenticate.ts'

/** What a client needs to know before its first call. Public. */
export const settingsView = z.object({
  version: z.string(),
  maxUploadBytes: z.int(),
  maxPixels: z.int(),
  /** Accepted image formats. */
  formats: z.array(imageFormat),
  /** The credentials that calls need. */
  auth: z.enum(['none', 'token', 'certificate']),
})

export interface CatalogueRouteOptions {
  readonly usecases: Usecases
  readonly authenticator: Authenticator
  readonly limits: ImageLimits
  readonly version: string
}

export function operationRoutes({ usecases, authenticator }: CatalogueRouteOptions) {
  return new Elysia({ name: 'operations' })
    .use(authenticate(authenticator))
    .get('/api/v1/operations', ({ principal }) => usecases.listOperations(principal))
}

export function settingsRoutes({ authenticator, limits, version }: CatalogueRouteOptions) {
  const view: z.infer<typeof settingsView> = {
    version,
    maxUploadBytes: limits.maxUploadBytes,
    maxPixels: limits.maxPixels,
    formats: formatIds,
    auth: authenticator.auth,
  }
  return new Elysia({ name: 'settings' }).use(originCheck(authenticator)).get('/api/v1/settings', () => view)
}
