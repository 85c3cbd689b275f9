import type { Principal } from '@pixelflow/core/principal'
import { Elysia } from 'elysia'
import type { Authenticator } from '../../accounts/authenticator.ts'
import { anonymous, needsAccount, requireAccess } from '../../calls/call-runner.ts'
import type { Access } from '../../calls/declare-call.ts'
import { requestContextOf } from './request-context.ts'

/**
 * Checks by its headers whether a request may make a call.
 * @throws Fault `unauthenticated`, or `forbidden` when the caller lacks the scope or is a page of another origin.
 */
export function authenticate(access: Access, request: Request, authenticator: Authenticator): Principal {
  if (access === 'public') authenticator.checkOrigin(request.headers)
  if (!needsAccount(access)) return anonymous
  const context = requestContextOf(request)
  const who = authenticator.authenticate(request.headers, context.certificate)
  context.account = who.account
  requireAccess(who, access)
  return who
}

/** Elysia plugin for pages: needs no credentials, refuses requests of other origins. */
export function originCheck(authenticator: Authenticator) {
  return new Elysia({ name: 'originCheck' }).onBeforeHandle({ as: 'scoped' }, ({ request }) =>
    authenticator.checkOrigin(request.headers),
  )
}
