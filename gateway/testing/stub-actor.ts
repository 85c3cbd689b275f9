import type { Adapters } from '@pixelflow/nats/open-adapters'
import {
  maxFrameBytes,
  transformRequest,
  type TransformRequest,
  type TransformResult,
} from '@pixelflow/core/transform-request'
import type { ServedSessions, Session } from '@pixelflow/core/ports/sessions'
import { digestOf } from './grpc-client.ts'

/** The image and the request that an actor received. */
export interface ReceivedImage extends TransformRequest {
  readonly source: Uint8Array
}

/** What the stub does after it has received the image. */
export type ImageHandler = (session: Session, received: ReceivedImage) => Promise<void>

/** Responds with these bytes to every image. */
export function respondWith(bytes: Uint8Array): ImageHandler {
  return async (session) => {
    const metadata = { format: 'webp', width: 12, height: 34 } as const
    const head: TransformResult = { ...metadata, bytes: bytes.length, sha256: digestOf(bytes), workMs: 1 }
    for (let at = 0; at < bytes.length; at += maxFrameBytes) {
      await session.send(at === 0 ? head : null, bytes.subarray(at, at + maxFrameBytes))
    }
  }
}

/** Starts a stub of an actor for live transform requests. */
export function startStubActor(
  adapters: Adapters,
  handleImage: ImageHandler,
  received: ReceivedImage[] = [],
): ServedSessions {
  return adapters.sessionHost.serve('transform', {
    capacity: 50,
    async handle(opening, session) {
      const pieces: Uint8Array[] = []
      for (let frame = await session.next(); frame !== null; frame = await session.next())
        pieces.push(frame.body)
      const one = { ...transformRequest.parse(opening), source: Buffer.concat(pieces) }
      received.push(one)
      await handleImage(session, one)
    },
  })
}
