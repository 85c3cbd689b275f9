import { sampleImage } from '@pixelflow/testkit/images'
import { hasMessage } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import type { Client, Content } from '../client.ts'
import { PixelflowError } from '../pixelflow-error.ts'
import { openGrpc } from '../grpc/open-grpc.ts'
import { openHttp } from '../http/open-http.ts'

/** The protocols of a pair, for `describe.each`. */
export const protocols = ['http', 'grpc'] as const

/** A running stack of the shipped processes, with a client over each protocol. For tests only. */
export interface ClientPair extends AsyncDisposable {
  readonly http: Client
  readonly grpc: Client
  /** A JPEG of 900 × 600 pixels, large enough for several messages. */
  readonly photo: Uint8Array<ArrayBuffer>
}

export async function openClientPair(): Promise<ClientPair> {
  const scope = new AsyncDisposableStack()
  const stack = scope.use(await startStack())
  const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
  const { grpc: address } = JSON.parse(await gateway.line(hasMessage('ready'))) as { grpc: string }
  return {
    http: scope.use(openHttp({ url: gateway.url })),
    grpc: scope.use(openGrpc({ address })),
    photo: Uint8Array.from(await sampleImage({ width: 900, height: 600 })),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  }
}

/** Returns the `PixelflowError` that a call fails with. @throws Error if it succeeds or fails with another error. */
export async function catchError(call: Promise<unknown>): Promise<PixelflowError> {
  const thrown = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof PixelflowError) return thrown
  throw new Error(`expected a PixelflowError, got ${String(thrown)}`, { cause: thrown })
}

export async function readBytes({ body }: Pick<Content, 'body'>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(body).arrayBuffer())
}

export function sha256Of(bytes: Uint8Array): string {
  return new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
}
