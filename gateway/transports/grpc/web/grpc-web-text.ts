import { Code, ConnectError } from '@connectrpc/connect'

/**
 * gRPC-Web as text (`application/grpc-web-text`): the binary form in base64, for clients such as the npm package
 * grpc-web that read an answer while it comes with XMLHttpRequest, which shows them text only.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
 */
export interface TextMode {
  readonly isRequestText: boolean
  readonly isResponseText: boolean
}

const text = /^application\/grpc-web-text(?:\+proto)?\s*(?:;|$)/i
export const binaryType = 'application/grpc-web+proto'
export const textType = 'application/grpc-web-text+proto'

/** The answer is text when the client accepts it, or when it has sent text and has not asked for the binary form. */
export function textModeOf(headers: Headers): TextMode {
  const isRequestText = text.test(headers.get('content-type') ?? '')
  const accepted = (headers.get('accept') ?? '').split(',').map((one) => one.trim())
  const isBinaryAccepted = accepted.some((one) => /^application\/grpc-web(?:\+proto)?\s*(?:;|$)/i.test(one))
  return {
    isRequestText,
    isResponseText: accepted.some((one) => text.test(one)) || (isRequestText && !isBinaryAccepted),
  }
}

/**
 * The bytes that base64 stands for. A client may encode each message by itself, so padding may stand anywhere between
 * groups of four characters.
 * @throws ConnectError `invalid_argument` for what is not base64.
 */
export async function* decodeText(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let rest = ''
  for await (const piece of body) {
    rest += Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('latin1')
    const whole = rest.length - (rest.length % 4)
    const bytes = bytesOf(rest.slice(0, whole))
    rest = rest.slice(whole)
    if (bytes.length > 0) yield bytes
  }
  if (rest !== '') throw notBase64('the body ends within a group of four characters')
}

/** Base64 of each piece by itself, so that nothing of it waits for the next one. */
export async function* encodeText(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  for await (const piece of body) {
    const base64 = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('base64')
    yield new Uint8Array(Buffer.from(base64, 'latin1'))
  }
}

function bytesOf(base64: string): Uint8Array {
  if (!/^[A-Za-z0-9+/=]*$/.test(base64)) throw notBase64('the body has a character that base64 does not have')
  if (!base64.includes('=')) return Buffer.from(base64, 'base64')
  const segments = base64.match(/[^=]+={0,2}/g) ?? []
  if (segments.join('') !== base64 || segments.some((one) => one.length % 4 !== 0)) {
    throw notBase64('the padding of the body is wrong')
  }
  return Buffer.concat(segments.map((one) => Buffer.from(one, 'base64')))
}

function notBase64(why: string): ConnectError {
  return new ConnectError(`not base64, ${why}`, Code.InvalidArgument)
}
