import { Fault } from '@pixelflow/core/fault'
import { faultReport } from '@pixelflow/core/task'
import { z } from 'zod'

/**
 * What the two ends of a session say to each other: one byte that tells what it is, a number, then what belongs to it.
 * Frames are cut into pieces that a message can carry; `frame` begins one, `more` goes on with it.
 */
export const words = {
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
export type Word = (typeof words)[keyof typeof words]

const fixedBytes = 5
/** Bytes of a `frame` before its head. */
export const frameBytes = fixedBytes + 8

/** What a gateway offers. */
export const offer = z.object({ peer: z.string(), window: z.int(), opening: z.unknown() })
export type Offer = z.infer<typeof offer>

/** What an actor answers when it takes it: where it wants to be spoken to, and how many bytes it takes unread. */
export const acceptance = z.object({ inbox: z.string(), peer: z.string(), window: z.int() })
export type Acceptance = z.infer<typeof acceptance>

export interface Message {
  readonly word: number
  readonly number: number
  readonly rest: Uint8Array
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function print(word: Word, number: number, rest?: Uint8Array): Uint8Array {
  const message = new Uint8Array(fixedBytes + (rest?.length ?? 0))
  message[0] = word
  new DataView(message.buffer).setUint32(1, number)
  if (rest) message.set(rest, fixedBytes)
  return message
}

export function printJson(word: Word, value: unknown): Uint8Array {
  return print(word, 0, encodeJson(value))
}

/** The beginning of a frame, with as much of the body as is given. */
export function printFrame(
  number: number,
  head: Uint8Array,
  bodyBytes: number,
  piece: Uint8Array,
): Uint8Array {
  const message = new Uint8Array(frameBytes + head.length + piece.length)
  const view = new DataView(message.buffer)
  message[0] = words.frame
  view.setUint32(1, number)
  view.setUint32(fixedBytes, head.length)
  view.setUint32(fixedBytes + 4, bodyBytes)
  message.set(head, frameBytes)
  message.set(piece, frameBytes + head.length)
  return message
}

/** @throws Error when it is not a message of ours. */
export function parse(data: Uint8Array): Message {
  if (data.length < fixedBytes) throw new Error('a message without a beginning')
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  return { word: data[0] ?? 0, number: view.getUint32(1), rest: data.subarray(fixedBytes) }
}

/** @throws Error when it is not the beginning of a frame. */
export function parseFrame({ rest }: Message): { head: unknown; bodyBytes: number; piece: Uint8Array } {
  const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength)
  const headEnd = 8 + view.getUint32(0)
  return {
    head: decodeJson(rest.subarray(8, headEnd)),
    bodyBytes: view.getUint32(4),
    piece: rest.subarray(headEnd),
  }
}

/** The fault that the other end tells of. */
export function parseFault({ rest }: Message): Fault {
  return Fault.from(faultReport.parse(decodeJson(rest)))
}

export function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value ?? null))
}

/** @throws Error when it is not JSON. */
export function decodeJson(data: Uint8Array): unknown {
  return JSON.parse(decoder.decode(data))
}
