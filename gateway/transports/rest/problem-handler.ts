import { Fault } from '@pixelflow/core/fault'
import { Elysia } from 'elysia'
import { problemResponse } from './problem-response.ts'
import { pathOf } from '../shared/request-context.ts'
import type { RouteTable } from './route-table.ts'

/** Turns whatever was thrown into a problem+json answer, unknown paths and wrong methods included. */
export function problemHandler(routes: RouteTable) {
  return new Elysia({ name: 'problems' }).onError({ as: 'global' }, ({ error, code, request }) => {
    if (error instanceof Fault) return problemResponse(request, error)
    switch (code) {
      case 'NOT_FOUND':
        return unrouted(request, routes)
      case 'PARSE':
        return problemResponse(
          request,
          new Fault('invalid_request', 'The body cannot be read.', { cause: error }),
        )
      default:
        return problemResponse(request, Fault.of(error))
    }
  })
}

function unrouted(request: Request, routes: RouteTable): Response {
  const path = pathOf(request)
  const allowed = routes.methodsOf(path)
  if (allowed.length === 0) {
    return problemResponse(
      request,
      new Fault('not_found', `There is nothing at ${path.slice(0, 200)}.`, {
        remedy: 'The interface is described at /docs.',
      }),
    )
  }
  const fault = new Fault('method_not_allowed', `${request.method} is not possible here.`, {
    remedy: `Use ${allowed.join(' or ')}.`,
  })
  return problemResponse(request, fault, { allow: allowed.join(', ') })
}
