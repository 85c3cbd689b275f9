import { describe, expect, test } from 'bun:test'
import { createPrincipal } from '@pixelflow/core/principal'
import { positionHeader } from '@pixelflow/core/position'
import { Fault } from '@pixelflow/core/fault'
import { openIdleHttpApp } from '../testing/open-idle-http-app.ts'
import { createCallInterceptor } from '../transports/grpc/call-interceptor.ts'
import type { Authenticator } from '../accounts/authenticator.ts'
import { storeTimeout } from '@pixelflow/nats/jetstream/store-timeout'
import { createRequestMemory } from '../limits/request-memory.ts'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import * as calls from './calls.gen.ts'
import { needsAccount } from './call-runner.ts'
import type { CallDeclaration } from './declare-call.ts'

/** Who may call is decided from the headers, for every declared call and before any of its body is read. */

const all = Object.values(calls) as CallDeclaration[]
const forAccounts = all.filter(({ access }) => needsAccount(access))
const withScope = forAccounts.filter(({ access }) => access !== 'any')
const withoutScopes = authenticatorOf(() => createPrincipal('ann', []))
const withoutCredentials = authenticatorOf(() => {
  throw new Fault('unauthenticated', 'This call needs a token.')
})

function authenticatorOf(authenticate: Authenticator['authenticate']): Authenticator {
  return { auth: 'token', authenticate, checkOrigin: () => {} }
}

/** A request of a call, and whether its body was read. */
function requestOf({ http }: CallDeclaration) {
  let isRead = false
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        isRead = true
        controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  const path = (http?.path ?? '').replace(/\{\w+\}/g, '01900000-0000-7000-8000-000000000000')
  const request = new Request(`http://localhost${path}`, {
    method: http?.method ?? 'GET',
    headers: { host: 'localhost', 'content-type': 'application/json', upgrade: 'websocket' },
    ...(http?.method === 'POST' ? { body } : {}),
  })
  return { request, wasRead: () => isRead }
}

describe.each([
  ['without a scope', withoutScopes, withScope, 403, 'forbidden'],
  ['without credentials', withoutCredentials, forAccounts, 401, 'unauthenticated'],
] as const)('a caller %s is refused', (_, authenticator, refused, status, code) => {
  const app = openIdleHttpApp(authenticator)
  test.each(refused.filter(({ http }) => http).map((call) => [call.name, call] as const))(
    'by %s over REST, before the body is read',
    async (_name, call) => {
      const { request, wasRead } = requestOf(call)
      const response = await app.handle(request)
      expect(response.status).toBe(status)
      expect(response.headers.get(positionHeader)).toBeNull()
      expect(await response.json()).toMatchObject({ code })
      expect(wasRead()).toBe(false)
    },
  )

  const interceptor = createCallInterceptor({
    authenticator,
    memory: createRequestMemory({ totalBytes: 2 ** 20, perAccountBytes: 2 ** 20, perPeerBytes: 2 ** 20 }),
    refusalBudget: {
      count: () => {},
      isAnySpent: false,
      isSpent: () => false,
      earlyRefusal: () => undefined,
    },
    meters: () => ({ start: () => undefined, countReceived: () => {}, countSent: () => {}, end: () => {} }),
    storeTimeout,
    log: createLogger({ service: 'test' }),
  })
  test.each(refused.flatMap(({ name, rpc }) => (rpc ? [[name, rpc] as const] : [])))(
    'by %s over gRPC, on its headers',
    (_name, method) => {
      const { signal } = new AbortController()
      const opened = interceptor.forMethod(method)({
        protocol: 'grpc',
        headers: new Headers(),
        peer: '127.0.0.1:1',
        signal,
      })
      expect(opened.refusal?.code).toBe(code)
    },
  )
})

test('only what a client needs before it has credentials is public', () => {
  const open = all.filter(({ access }) => !needsAccount(access)).map(({ name }) => name)
  expect(open.sort()).toEqual(['getHealth', 'getLiveness', 'getOpenApi', 'getReadiness', 'getSettings'])
})
