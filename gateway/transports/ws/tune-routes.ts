import { Fault } from '@pixelflow/core/fault'
import type { Principal } from '@pixelflow/core/principal'
import {
  maxClientMessageLength,
  parseBearerTokens,
  tunePath,
  tuneProtocol,
} from '@pixelflow/core/tune/tune-protocol'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { Elysia } from 'elysia'
import type { Authenticator } from '../../accounts/authenticator.ts'
import * as calls from '../../calls/calls.gen.ts'
import { requireAccess } from '../../calls/call-runner.ts'
import type { RequestMemory } from '../../limits/request-memory.ts'
import type { OpenStream } from '../../metrics/stream-meter.ts'
import type { Usecases } from '../../usecases.ts'
import { requestContextOf, peerOf } from '../shared/request-context.ts'
import { createInputReader } from '../rest/input-reader.ts'
import { createTuneSocketHandler, type TuneSocketHandler } from './tune-socket-handler.ts'

export interface TuneRouteOptions {
  readonly usecases: Pick<Usecases, 'tune'>
  readonly authenticator: Authenticator
  readonly memory: RequestMemory
  readonly openStream: OpenStream
  readonly stopping: AbortSignal
  readonly log: Logger
}

/** WebSocket settings of the server. The data of each socket is a `TuneSocketHandler`. */
export const webSocketOptions = {
  /** Above the limit of a message, so that a longer one gets a fault. A socket may buffer this much of a message. */
  maxPayloadLength: 4 * maxClientMessageLength,
  /** Above the largest preview: the connection waits for slow clients itself, and must not lose data. */
  backpressureLimit: 128 * 2 ** 20,
  closeOnBackpressureLimit: true,
  perMessageDeflate: false,
  /** Seconds without data or pong; the server sends pings before. */
  idleTimeout: 60,
  sendPings: true,
}

/** Live tuning over a WebSocket, mainly for browsers. */
export function tuneRoutes({ usecases, authenticator, memory, openStream, stopping, log }: TuneRouteOptions) {
  const reader = createInputReader(calls.tune)
  return new Elysia({ name: 'tuning' }).get(tunePath, ({ request, server }) => {
    reader.checkQuery(request)
    const context = requestContextOf(request)
    const offered = protocolsOf(request)
    if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') throw upgradeRequired()
    if (offered.length > 0 && !offered.includes(tuneProtocol)) throw unsupportedSubprotocol()
    const caller = callerOf(() =>
      authenticator.authenticate(withToken(request.headers, offered), context.certificate),
    )
    if (caller.account !== undefined) context.account = caller.account
    const startedAt = performance.now()
    const closeStream = openStream('websocket')
    const handler: TuneSocketHandler = createTuneSocketHandler({
      tune: usecases.tune,
      principal: caller.principal,
      reservation: memory.open({ account: caller.account, peer: peerOf(request, server) }),
      stopping,
      onEnd({ fault, previews }) {
        closeStream()
        const ms = Math.round(performance.now() - startedAt)
        log.info('tuning session ended', {
          requestId: context.id,
          account: caller.account,
          previews,
          ms,
          code: fault?.code,
        })
      },
    })
    const headers = {
      'x-request-id': context.id,
      ...(offered.length > 0 ? { 'sec-websocket-protocol': tuneProtocol } : {}),
    }
    if (server?.upgrade(request, { data: handler, headers }) === true) {
      return new Response(null, { status: 101 })
    }
    closeStream()
    throw upgradeRequired()

    /**
     * A page cannot read the response to a failed upgrade. So with invalid credentials its WebSocket is opened, and the
     * fault is sent as the first message.
     */
    function callerOf(authenticate: () => Principal): { readonly account?: string; principal(): Principal } {
      try {
        const principal = authenticate()
        requireAccess(principal, calls.tune.access)
        return { account: principal.account, principal: () => principal }
      } catch (thrown) {
        if (Fault.of(thrown).code !== 'unauthenticated' || !request.headers.has('origin')) throw thrown
        return {
          principal() {
            throw thrown
          },
        }
      }
    }
  })
}

function protocolsOf({ headers }: Request): string[] {
  const offered = headers.get('sec-websocket-protocol') ?? ''
  return offered
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}

/** The headers with the tokens of the subprotocols as `Authorization`. */
function withToken(headers: Headers, offered: readonly string[]): Headers {
  const tokens = parseBearerTokens(offered)
  if (tokens.length === 0) return headers
  const all = new Headers(headers)
  for (const token of tokens) {
    // A token with characters that a header cannot hold is unknown: it becomes an invalid credential.
    all.append('authorization', /^[\x21-\x7e]+$/.test(token) ? `Bearer ${token}` : 'Bearer')
  }
  return all
}

function upgradeRequired(): Fault {
  return new Fault('invalid_request', 'This path accepts WebSocket connections only.', {
    field: 'Upgrade',
    remedy: `Open a WebSocket with the subprotocol ${tuneProtocol}.`,
  })
}

function unsupportedSubprotocol(): Fault {
  return new Fault('invalid_request', 'The server supports none of the offered subprotocols.', {
    field: 'Sec-WebSocket-Protocol',
    remedy: `Offer ${tuneProtocol}.`,
  })
}
