import type { Principal } from '@pixelflow/core/principal'
import type { Server } from 'bun'
import type { z } from 'zod'
import type * as calls from '../../calls/calls.gen.ts'
import type { CallDeclaration, CallerInfo } from '../../calls/declare-call.ts'

/** A request of a declared call, after authentication and with a valid input. */
export interface RestCall<Input = Readonly<Record<string, unknown>>> {
  readonly request: Request
  readonly server: Server<unknown> | null
  readonly who: Principal
  /** The parameters of path and query. */
  readonly input: Input
  readonly context: CallerInfo
}

/** Reads and writes the bodies of a call. */
export type CallHandler<Declared extends CallDeclaration = CallDeclaration> = (
  call: RestCall<z.output<Declared['input']>>,
) => Response | Promise<Response>

/** Reads a form instead of JSON. */
export interface FormHandler {
  /** Parts that it needs, for error messages. */
  readonly parts: readonly string[]
  readonly handle: CallHandler
}

type Calls = typeof calls
/** Served by modules of their own: the access to metrics is a setting, and a WebSocket has its own credentials. */
type OwnRoutes = 'getMetrics' | 'tune'

/** The handlers of the streaming calls that REST serves, by name of the call. */
export type StreamHandlers = {
  readonly [
    Name in Exclude<keyof Calls, OwnRoutes> as Calls[Name] extends {
      readonly kind: 'stream'
      readonly http: object
    }
      ? Name
      : never
  ]: CallHandler<Calls[Name]>
}
