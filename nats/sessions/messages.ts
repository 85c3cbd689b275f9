import { Fault } from '@pixelflow/core/fault'
import { splitAt, concatBytes } from '@pixelflow/core/concat-bytes'
import { faultReport } from '@pixelflow/core/task'
import { z } from 'zod'

/**
 * What the two ends of a session say to each other: one byte that tells what it is, a number, then what belongs to it.
 * Frames are cut into pieces that a message can carry; `frame` begins one, `more` goes on with it.
 */
export const messageTypes = {
  /** An actor takes the offered session; carries an `Acceptance`. */
  accept: 1,
  /** An actor has no room. */
  full: 2,
  /** Number: its place in the order. Then lengths of head and body, the head, and the beginning of the body. */
  frame: 3,
  /** Number: its place in the order. Then the next piece of the body. */
  more: 4,
  /** Number: its place in the order. No frame follows. */
  finish: 5,
  /** Number: bytes that may be sent in addition. */
  credit: 6,
  /** Number: how far the order has come at the sender. */
  pulse: 7,
  /** The session has failed; carries the fault. */
  fail: 8,
} as const
export type MessageType = (typeof messageTypes)[keyof typeof messageTypes]

/** Bytes before what a message carries. */
export const fixedBytes = 5
/** Bytes of a `frame` before its head. */
export const frameBytes = fixedBytes + 8

/** What a gateway offers. */
export const offer = z.object({
  peer: z.string(),
  window: z.int(),
  opening: z.unknown(),
  /** Whose work it is; a gateway of an earlier version does not say. */
  account: z.string().default(''),
})
export type Offer = z.infer<typeof offer>

/** What an actor answers when it takes it: where it wants to be spoken to, and how many bytes it takes unread. */
export const acceptance = z.object({ inbox: z.string(), peer: z.string(), window: z.int() })
export type Acceptance = z.infer<typeof acceptance>

export interface SessionMessage {
  readonly word: number
  readonly number: number
  readonly rest: readonly Uint8Array[]
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A message, in parts: what it carries is not copied. */
export function print(word: MessageType, number: number, rest: readonly Uint8Array[] = []): Uint8Array[] {
  return [beginning(word, number, fixedBytes), ...rest]
}

export function printJson(word: MessageType, value: unknown): Uint8Array[] {
  return print(word, 0, [encodeJson(value)])
}

/** The beginning of a frame, with as much of the body as is given. */
export function printFrame(
  number: number,
  head: Uint8Array,
  bodyBytes: number,
  piece: readonly Uint8Array[],
): Uint8Array[] {
  const begun = beginning(messageTypes.frame, number, frameBytes + head.length)
  const view = new DataView(begun.buffer)
  view.setUint32(fixedBytes, head.length)
  view.setUint32(fixedBytes + 4, bodyBytes)
  begun.set(head, frameBytes)
  return [begun, ...piece]
}

function beginning(word: MessageType, number: number, bytes: number): Uint8Array<ArrayBuffer> {
  const begun = new Uint8Array(bytes)
  begun[0] = word
  new DataView(begun.buffer).setUint32(1, number)
  return begun
}

/** @throws Error when it is not a message of ours. */
export function parse(parts: readonly Uint8Array[]): SessionMessage {
  const { front, rest } = splitAt(parts, fixedBytes)
  return { word: front[0] ?? 0, number: viewOf(front).getUint32(1), rest }
}

/** @throws Error when it is not the beginning of a frame. */
export function parseFrame(message: SessionMessage): {
  head: unknown
  bodyBytes: number
  piece: readonly Uint8Array[]
} {
  const { front, rest } = splitAt(message.rest, frameBytes - fixedBytes)
  const lengths = viewOf(front)
  const { front: head, rest: piece } = splitAt(rest, lengths.getUint32(0))
  return { head: decodeJson(head), bodyBytes: lengths.getUint32(4), piece }
}

function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength)
}

/** The fault that the other end tells of. */
export function parseFault({ rest }: SessionMessage): Fault {
  return Fault.from(faultReport.parse(decodeJson(concatBytes(rest))))
}

export function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value ?? null))
}

/** @throws Error when it is not JSON. */
export function decodeJson(data: Uint8Array): unknown {
  return JSON.parse(decoder.decode(data))
}
