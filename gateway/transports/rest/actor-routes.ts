import { viewActor, type ActorsView } from '@pixelflow/core/views'
import { Elysia } from 'elysia'
import type { Authenticator } from '../../accounts/authenticator.ts'
import type { Usecases } from '../../usecases.ts'
import { authenticate } from '../shared/authenticate.ts'

export interface ActorRouteOptions {
  readonly usecases: Usecases
  readonly authenticator: Authenticator
}

/** The actors that are running. */
export function actorRoutes({ usecases, authenticator }: ActorRouteOptions) {
  return new Elysia({ name: 'actors' })
    .use(authenticate(authenticator))
    .get('/api/v1/actors', ({ principal }): ActorsView => ({
      items: usecases.listActors(principal).map(viewActor),
    }))
}
