import type { Principal } from '@pixelflow/core/principal'
import { Elysia } from 'elysia'
import type { Admission } from '../../accounts/authenticator.ts'
import { notesOf } from './request-context.ts'

/** For features that act for somebody: each of their handlers gets `who`, or the call is refused before it. */
export function caller(admission: Admission) {
  return new Elysia({ name: 'caller' }).resolve({ as: 'scoped' }, ({ request }): { who: Principal } => {
    const notes = notesOf(request)
    const who = admission.principalOf(request.headers, notes.certificate)
    notes.account = who.account
    return { who }
  })
}

/** For features that anybody may see: nobody is asked who they are, foreign pages are kept out all the same. */
export function anybody(admission: Admission) {
  return new Elysia({ name: 'anybody' }).onBeforeHandle({ as: 'scoped' }, ({ request }) =>
    admission.letIn(request.headers),
  )
}
