import type { Principal } from '@pixelflow/core/principal'
import { Elysia } from 'elysia'
import type { Authenticator } from '../../accounts/authenticator.ts'
import { requestContextOf } from './request-context.ts'

/** Elysia plugin for routes that act for an account: authenticates the request and adds `principal` to its context. */
export function authenticate(authenticator: Authenticator) {
  return new Elysia({ name: 'authenticate' }).resolve(
    { as: 'scoped' },
    ({ request }): { principal: Principal } => {
      const context = requestContextOf(request)
      const principal = authenticator.authenticate(request.headers, context.certificate)
      context.account = principal.account
      return { principal }
    },
  )
}

/** Elysia plugin for public routes: needs no credentials, refuses requests of other origins. */
export function originCheck(authenticator: Authenticator) {
  return new Elysia({ name: 'originCheck' }).onBeforeHandle({ as: 'scoped' }, ({ request }) =>
    authenticator.checkOrigin(request.headers),
  )
}
