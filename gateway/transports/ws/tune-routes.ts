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
import type { RequestMemory } from '../../limits/request-memory.ts'
import type { OpenStream } from '../../metrics/stream-meter.ts'
import type { Usecases } from '../../usecases.ts'
import { requestContextOf, peerOf } from '../shared/request-context.ts'
import { createTuneConnection, type TuneConnection } from './tune-connection.ts'

export interface TuneRouteOptions {
  readonly usecases: Pick<Usecases, 'tune'>
  readonly authenticator: Authenticator
  readonly memory: RequestMemory
  readonly openStream: OpenStream
  readonly stopping: AbortSignal
  readonly log: Logger
}

/** How the server keeps WebSockets; each has a `Talk` as its data. */
export const webSocketOptions = {
  /** Above what is taken, so that what is too long is refused in words. Each socket may hold as much of a message. */
  maxPayloadLength: 4 * maxClientMessageLength,
  /** The largest preview and more: we wait by ourselves, and nothing may be dropped. */
  backpressureLimit: 128 * 2 ** 20,
  closeOnBackpressureLimit: true,
  perMessageDeflate: false,
  /** Seconds without a sign of life; pings are sent before. */
  idleTimeout: 60,
  sendPings: true,
}

/** Live tuning over a WebSocket, for browsers. */
export function tuneRoutes({ usecases, authenticator, memory, openStream, stopping, log }: TuneRouteOptions) {
  return new Elysia({ name: 'tuning' }).get(tunePath, ({ request, server }) => {
    const notes = requestContextOf(request)
    const offered = protocolsOf(request)
    if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') throw notUpgraded()
    if (offered.length > 0 && !offered.includes(tuneProtocol)) throw otherProtocol()
    const caller = callerOf(() =>
      authenticator.authenticate(withToken(request.headers, offered), notes.certificate),
    )
    if (caller.account !== undefined) notes.account = caller.account
    const begin = performance.now()
    const onEnd = openStream('websocket')
    const talk: TuneConnection = createTuneConnection({
      tune: usecases.tune,
      caller: caller.get,
      held: memory.open({ account: caller.account, peer: peerOf(request, server) }),
      stopping,
      ended({ fault, previews }) {
        onEnd()
        const ms = Math.round(performance.now() - begin)
        log.info('tuned', { requestId: notes.id, account: caller.account, previews, ms, code: fault?.code })
      },
    })
    const headers = {
      'x-request-id': notes.id,
      ...(offered.length > 0 ? { 'sec-websocket-protocol': tuneProtocol } : {}),
    }
    if (server?.upgrade(request, { data: talk, headers }) === true) {
      return new Response(null, { status: 101 })
    }
    onEnd()
    throw notUpgraded()

    /** A page cannot read why its WebSocket was not opened, so who has no good token hears it on the open one. */
    function callerOf(find: () => Principal): { readonly account?: string; get(): Principal } {
      try {
        const who = find()
        return { account: who.account, get: () => who }
      } catch (thrown) {
        if (Fault.of(thrown).code !== 'unauthenticated' || !request.headers.has('origin')) throw thrown
        return {
          get() {
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

/** The headers as they would be if the token had come in the usual one. */
function withToken(headers: Headers, offered: readonly string[]): Headers {
  const tokens = parseBearerTokens(offered)
  if (tokens.length === 0) return headers
  const all = new Headers(headers)
  for (const token of tokens) {
    // A token that cannot stand in a header is none that is known.
    all.append('authorization', /^[\x21-\x7e]+$/.test(token) ? `Bearer ${token}` : 'Bearer')
  }
  return all
}

function notUpgraded(): Fault {
  return new Fault('invalid_request', 'This address speaks WebSocket.', {
    field: 'Upgrade',
    remedy: `Open a WebSocket with the subprotocol ${tuneProtocol}.`,
  })
}

function otherProtocol(): Fault {
  return new Fault('invalid_request', 'None of the offered subprotocols is spoken here.', {
    field: 'Sec-WebSocket-Protocol',
    remedy: `Offer ${tuneProtocol}.`,
  })
}
