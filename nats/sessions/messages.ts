import { Fault } from '@pixelflow/core/fault'
import { splitAt, concatBytes } from '@pixelflow/core/concat-bytes'
import { faultReport } from '@pixelflow/core/task'
import { z } from 'zod'

/**
 * The wire format of sessions: one byte for the type, a number, then the payload. A frame is split into messages of limited
 * size: a `frame` message begins it, `continuation` messages carry the rest.
 */
export const messageTypes = {
  /** An actor accepts the offered session; carries an `AcceptMessage`. */
  accept: 1,
  /** An actor has no capacity. */
  busy: 2,
  /** Number: its sequence. Then the lengths of head and body, the head, and the beginning of the body. */
  frame: 3,
  /** Number: its sequence. Then the next chunk of the body. */
  continuation: 4,
  /** Number: its sequence. No frame follows. */
  finish: 5,
  /** Number: bytes that may be sent in addition. */
  windowUpdate: 6,
  /** Number: the last sequence that the sender has sent. */
  heartbeat: 7,
  /** The session has failed; carries the fault. */
  error: 8,
} as const
export type MessageType = (typeof messageTypes)[keyof typeof messageTypes]

/** Bytes before the payload of a message. */
export const headerBytes = 5
/** Bytes of a `frame` message before its head. */
export const frameBytes = headerBytes + 8

/** What a gateway sends to find an actor. */
export const offer = z.object({
  peer: z.string(),
  window: z.int(),
  opening: z.unknown(),
  /** The account whose work it is; a gateway of an earlier version does not send it. */
  account: z.string().default(''),
})
export type Offer = z.infer<typeof offer>

/** What an actor answers: its inbox, and how many unread bytes it buffers. */
export const acceptMessage = z.object({
  inbox: z.string(),
  peer: z.string(),
  window: z.int(),
  /** Whether it reads frames; an actor of an earlier version always does. */
  wantsFrames: z.boolean().default(true),
})
export type AcceptMessage = z.infer<typeof acceptMessage>

export interface SessionMessage {
  readonly type: number
  readonly number: number
  readonly rest: readonly Uint8Array[]
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A message in chunks; the payload is not copied. */
export function encodeMessage(
  type: MessageType,
  number: number,
  rest: readonly Uint8Array[] = [],
): Uint8Array[] {
  return [encodeHeader(type, number, headerBytes), ...rest]
}

export function encodeJsonMessage(type: MessageType, value: unknown): Uint8Array[] {
  return encodeMessage(type, 0, [encodeJson(value)])
}

/** The first message of a frame, with the first chunk of the body. */
export function encodeFrame(
  number: number,
  head: Uint8Array,
  bodyBytes: number,
  piece: readonly Uint8Array[],
): Uint8Array[] {
  const header = encodeHeader(messageTypes.frame, number, frameBytes + head.length)
  const view = new DataView(header.buffer)
  view.setUint32(headerBytes, head.length)
  view.setUint32(headerBytes + 4, bodyBytes)
  header.set(head, frameBytes)
  return [header, ...piece]
}

function encodeHeader(type: MessageType, number: number, bytes: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(bytes)
  header[0] = type
  new DataView(header.buffer).setUint32(1, number)
  return header
}

/** @throws Error for an invalid message. */
export function decodeMessage(chunks: readonly Uint8Array[]): SessionMessage {
  const { head, rest } = splitAt(chunks, headerBytes)
  return { type: head[0] ?? 0, number: viewOf(head).getUint32(1), rest }
}

/** @throws Error for an invalid first message of a frame. */
export function decodeFrame(message: SessionMessage): {
  head: unknown
  bodyBytes: number
  piece: readonly Uint8Array[]
} {
  const { head: frame, rest } = splitAt(message.rest, frameBytes - headerBytes)
  const lengths = viewOf(frame)
  const { head, rest: piece } = splitAt(rest, lengths.getUint32(0))
  return { head: decodeJson(head), bodyBytes: lengths.getUint32(4), piece }
}

function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength)
}

/** The fault in an `error` message. */
export function decodeFault({ rest }: SessionMessage): Fault {
  return Fault.from(faultReport.parse(decodeJson(concatBytes(rest))))
}

export function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value ?? null))
}

/** @throws Error for invalid JSON. */
export function decodeJson(data: Uint8Array): unknown {
  return JSON.parse(decoder.decode(data))
}
