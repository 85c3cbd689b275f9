import type { Principal } from '@pixelflow/core/principal'
import { Elysia } from 'elysia'
import type { Authenticator } from '../../accounts/authenticator.ts'
import { requestContextOf } from './request-context.ts'

/** For features that act for somebody: each of their handlers gets `who`, or the call is refused before it. */
export function authenticate(authenticator: Authenticator) {
  return new Elysia({ name: 'caller' }).resolve({ as: 'scoped' }, ({ request }): { who: Principal } => {
    const notes = requestContextOf(request)
    const who = authenticator.authenticate(request.headers, notes.certificate)
    notes.account = who.account
    return { who }
  })
}

/** For features that anybody may see: nobody is asked who they are, foreign pages are kept out all the same. */
export function originCheck(authenticator: Authenticator) {
  return new Elysia({ name: 'anybody' }).onBeforeHandle({ as: 'scoped' }, ({ request }) =>
    authenticator.checkOrigin(request.headers),
  )
}
