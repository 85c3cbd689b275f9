import { sampleImage } from '@pixelflow/testkit/images'
import { says } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import type { Client, Content } from '../client.ts'
import { PixelflowError } from '../error.ts'
import { openGrpc } from '../grpc/open.ts'
import { openHttp } from '../http/open.ts'

/** Shipped processes, and a client over each protocol. Only tests use this. */
export interface Both extends AsyncDisposable {
  readonly http: Client
  readonly grpc: Client
  /** A JPEG of 900 × 600, large enough for several messages. */
  readonly photo: Uint8Array<ArrayBuffer>
}

export async function openBoth(): Promise<Both> {
  const scope = new AsyncDisposableStack()
  const stack = scope.use(await startStack())
  const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
  const { grpc: address } = JSON.parse(await gateway.line(says('ready'))) as { grpc: string }
  return {
    http: scope.use(openHttp({ url: gateway.url })),
    grpc: scope.use(openGrpc({ address })),
    photo: Uint8Array.from(await sampleImage({ width: 900, height: 600 })),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  }
}

/** What a call was refused with. @throws Error when it was not refused. */
export async function refusal(call: Promise<unknown>): Promise<PixelflowError> {
  const thrown = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof PixelflowError) return thrown
  throw new Error(`no refusal but ${String(thrown)}`, { cause: thrown })
}

export async function bytesOf({ body }: Pick<Content, 'body'>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(body).arrayBuffer())
}

export function digest(bytes: Uint8Array): string {
  return new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
}
