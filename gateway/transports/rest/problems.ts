import { Fault } from '@pixelflow/core/fault'
import { Elysia } from 'elysia'
import { problemResponse } from './problem.ts'
import { pathOf } from './notes.ts'

export interface Route {
  readonly method: string
  readonly path: string
}

/** Turns whatever was thrown into a problem+json answer, unknown paths and wrong methods included. */
export function problems(routes: readonly Route[]) {
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

function unrouted(request: Request, routes: readonly Route[]): Response {
  const path = pathOf(request)
  const allowed = methodsOf(path, routes)
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

function methodsOf(path: string, routes: readonly Route[]): string[] {
  const plain = path.length > 1 ? path.replace(/\/$/, '') : path
  const here = routes.filter((route) => patternOf(route.path).test(plain)).map((route) => route.method)
  return [...new Set(here.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))].sort()
}

/** `/a/:id` and `/a/*` as the router reads them. */
function patternOf(path: string): RegExp {
  const plain = path.length > 1 ? path.replace(/\/$/, '') : path
  const source = plain
    .split('/')
    .map((part) =>
      part.startsWith(':')
        ? '[^/]+'
        : part === '*'
          ? '.+'
          : part.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`),
    )
    .join('/')
  return new RegExp(`^${source}$`)
}
