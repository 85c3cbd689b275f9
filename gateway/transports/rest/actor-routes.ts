import { viewActor, type ActorsView } from '@pixelflow/core/api'
import { Elysia } from 'elysia'
import type { Admission } from '../../accounts/authenticator.ts'
import type { Usecases } from '../../usecases.ts'
import { caller } from '../shared/authenticate.ts'

export interface ActorRoutes {
  readonly usecases: Usecases
  readonly admission: Admission
}

/** Who does the work just now. */
export function actors({ usecases, admission }: ActorRoutes) {
  return new Elysia({ name: 'actors' })
    .use(caller(admission))
    .get('/api/v1/actors', ({ who }): ActorsView => ({ items: usecases.listActors(who).map(viewActor) }))
}
