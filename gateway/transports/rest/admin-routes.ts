import { viewDeadLetter } from '@pixelflow/core/views'
import { accountId } from '@pixelflow/core/principal'
import { validate } from '@pixelflow/core/validation/validate'
import { Elysia } from 'elysia'
import { z } from 'zod'
import type { Authenticator } from '../../accounts/authenticator.ts'
import type { Usecases } from '../../usecases.ts'
import { authenticate } from '../shared/authenticate.ts'
import { recordPosition } from './position-headers.ts'

/** Query of `GET /api/v1/admin/dead`. */
export const deadLetterQuery = z.strictObject({
  account: accountId.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().optional(),
})

export interface AdminRouteOptions {
  readonly usecases: Usecases
  readonly authenticator: Authenticator
}

/** For operators: list, get, replay and delete dead letters. */
export function adminRoutes({ usecases, authenticator }: AdminRouteOptions) {
  return new Elysia({ name: 'admin', prefix: '/api/v1/admin' })
    .use(authenticate(authenticator))
    .get('/dead', async ({ query, principal }) => {
      const { account, limit, cursor } = validate(deadLetterQuery, query, { whole: 'the query' })
      const { items, next } = await usecases.listDeadLetters(principal, {
        limit,
        ...(account === undefined ? {} : { account }),
        ...(cursor === undefined ? {} : { cursor }),
      })
      return { items: items.map(viewDeadLetter), next }
    })
    .get('/dead/:id', async ({ params, principal }) =>
      viewDeadLetter(await usecases.getDeadLetter(principal, params.id)),
    )
    .post(
      '/dead/:id/replay',
      async ({ params, request, principal, set }) => {
        set.status = 202
        const deadLetter = await usecases.replayDeadLetter(principal, params.id)
        // The task belongs to the account of the dead letter, not to the operator.
        recordPosition(request, usecases, deadLetter.account)
        return viewDeadLetter(deadLetter)
      },
      { parse: 'none' },
    )
    .delete(
      '/dead/:id',
      async ({ params, principal }) => {
        await usecases.deleteDeadLetter(principal, params.id)
        return new Response(null, { status: 204 })
      },
      { parse: 'none' },
    )
}
