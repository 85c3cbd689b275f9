import { storeTimeout } from '@pixelflow/nats/jetstream/store-timeout'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { createAuthenticator, type Authenticator } from '../accounts/authenticator.ts'
import type { CallRunner } from '../calls/call-runner.ts'
import { createRequestMemory } from '../limits/request-memory.ts'
import { createHttpApp } from '../transports/rest/http-app.ts'
import { staticFile } from '../transports/rest/static-file.ts'
import type { Usecases } from '../usecases.ts'

/** All routes of the HTTP port without a server or a broker, to look at them and to make calls that are refused. */
export function openIdleHttpApp(authenticator: Authenticator = createAuthenticator(undefined)) {
  const file = staticFile('text/html', new Uint8Array())
  const notCalled = () => Promise.reject(new Error('not called'))
  return createHttpApp({
    usecases: {} as Usecases,
    runner: {} as CallRunner,
    authenticator,
    memory: createRequestMemory({ totalBytes: 1, perAccountBytes: 1, perPeerBytes: 1 }),
    refusalBudget: {
      count: () => {},
      isAnySpent: false,
      isSpent: () => false,
      earlyRefusal: () => undefined,
    },
    sendContent: notCalled,
    sendBytes: notCalled,
    checkHealth: notCalled,
    page: { index: file, assets: new Map() },
    limits: { maxUploadBytes: 1, maxPixels: 1 },
    uploadIdleTimeoutMs: 1,
    heartbeatMs: 1,
    corsOrigins: new Set(),
    requestMeter: { start: () => {}, end: () => {} },
    storeTimeout,
    openStream: () => () => {},
    stopping: new AbortController().signal,
    metricsAccess: 'token',
    metricsText: notCalled,
    log: createLogger({ service: 'test' }),
  })
}
