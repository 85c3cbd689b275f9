import { Fault } from '@pixelflow/core/fault'
import { Elysia } from 'elysia'
import { problemResponse } from './problem-response.ts'
import { pathOf } from '../shared/request-context.ts'
import type { RouteTable } from './route-table.ts'

/** Turns every error into a problem+json response, also for unknown paths and unsupported methods. */
export function problemHandler(routes: RouteTable) {
  return new Elysia({ name: 'problems' }).onError({ as: 'global' }, ({ error, code, request }) => {
    if (error instanceof Fault) return problemResponse(request, error)
    switch (code) {
      case 'NOT_FOUND':
        return unmatched(request, routes)
      case 'PARSE':
        return problemResponse(
          request,
          new Fault('invalid_request', 'The request body cannot be parsed.', { cause: error }),
        )
      default:
        return problemResponse(request, Fault.of(error))
    }
  })
}

/** `GET, HEAD or POST` */
const alternatives = new Intl.ListFormat('en-GB', { type: 'disjunction' })

function unmatched(request: Request, routes: RouteTable): Response {
  const path = pathOf(request)
  const allowed = routes.methodsOf(path)
  if (allowed.length === 0) {
    return problemResponse(
      request,
      new Fault('not_found', `There is no resource at ${path.slice(0, 200)}.`, {
        remedy: 'See /docs for all paths.',
      }),
    )
  }
  const fault = new Fault('method_not_allowed', `This path does not support ${request.method}.`, {
    remedy: `Use ${alternatives.format(allowed)}.`,
  })
  return problemResponse(request, fault, { allow: allowed.join(', ') })
}
