import type { Adapters } from '@pixelflow/nats/open-adapters'
import {
  maxFrameBytes,
  transformRequest,
  type TransformRequest,
  type TransformResult,
} from '@pixelflow/core/transform-request'
import type { ServedSessions, Session } from '@pixelflow/core/ports/sessions'
import { digestOf } from './grpc.ts'

/** A picture as an actor has seen it, with what was to be done. */
export interface ReceivedImage extends TransformRequest {
  readonly source: Uint8Array
}

/** What an actor does once the picture has come. */
export type ImageHandler = (session: Session, seen: ReceivedImage) => Promise<void>

/** Answers with these bytes, whatever the picture was. */
export function respondWith(bytes: Uint8Array): ImageHandler {
  return async (session) => {
    const about = { format: 'webp', width: 12, height: 34 } as const
    const head: TransformResult = { ...about, bytes: bytes.length, sha256: digestOf(bytes), workMs: 1 }
    for (let at = 0; at < bytes.length; at += maxFrameBytes) {
      await session.send(at === 0 ? head : null, bytes.subarray(at, at + maxFrameBytes))
    }
  }
}

/** Plays an actor for callers who wait for their picture. Only tests use this. */
export function startStubActor(
  adapters: Adapters,
  play: ImageHandler,
  seen: ReceivedImage[] = [],
): ServedSessions {
  return adapters.sessionHost.serve('transform', {
    capacity: 50,
    async handle(opening, session) {
      const pieces: Uint8Array[] = []
      for (let frame = await session.next(); frame !== null; frame = await session.next())
        pieces.push(frame.body)
      const one = { ...transformRequest.parse(opening), source: Buffer.concat(pieces) }
      seen.push(one)
      await play(session, one)
    },
  })
}
