import { Fault } from '@pixelflow/core/fault'
import type { Log } from '@pixelflow/fabric/telemetry/log'
import { Elysia } from 'elysia'
import { notesOf, pathOf } from './notes.ts'
import { problemResponse } from './problem.ts'

type Answer = (request: Request, ...rest: unknown[]) => Response | Promise<Response>

/**
 * Around everything: gives each request its id, each answer its id and the headers that every one has, and writes one
 * line for each. By `wrap`, which costs nothing; a trace hook would copy every stream.
 */
export function requests(log: Log) {
  return new Elysia({ name: 'requests' }).wrap((answer) => {
    const inner = answer as unknown as Answer
    const outer: Answer = async (request, ...rest) => {
      const begin = performance.now()
      const response = await answered(inner, request, rest)
      response.headers.set('x-request-id', notesOf(request).id)
      response.headers.set('x-content-type-options', 'nosniff')
      note(log, request, response.status, performance.now() - begin)
      return response
    }
    return outer
  })
}

async function answered(inner: Answer, request: Request, rest: unknown[]): Promise<Response> {
  try {
    // Without a Host, Bun knows the path only, and the router would look for the path elsewhere.
    if (request.url.startsWith('/')) throw noHost()
    return await inner(request, ...rest)
  } catch (thrown) {
    return problemResponse(request, Fault.of(thrown))
  }
}

function noHost(): Fault {
  return new Fault('invalid_request', 'The request has no Host header.', {
    field: 'Host',
    remedy: 'Send one.',
  })
}

function note(log: Log, request: Request, status: number, ms: number): void {
  const { id: requestId, account, fault } = notesOf(request)
  const path = pathOf(request)
  const fields = {
    method: request.method,
    path,
    status,
    ms: Math.round(ms * 100) / 100,
    requestId,
    account,
    code: fault?.code,
  }
  if (status >= 500 && fault) log.error('request failed', { ...fields, fault })
  else if (path.startsWith('/health')) log.debug('request', fields)
  else log.info('request', fields)
}
