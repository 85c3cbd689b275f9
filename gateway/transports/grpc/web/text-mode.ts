import { Code, ConnectError } from '@connectrpc/connect'

/**
 * gRPC-Web text mode (`application/grpc-web-text`): the binary form in base64, as in
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md. Clients such as the npm package grpc-web use it to read a
 * response while it arrives, because XMLHttpRequest offers only text then.
 *
 * connect-es does not support it (https://github.com/connectrpc/connect-es/pull/31 excludes it from the client; no issue is
 * known for the server). Remove this file when connect-es serves
 * the content type and `text-mode.test.ts` passes without it.
 */
export interface TextMode {
  readonly isRequestText: boolean
  readonly isResponseText: boolean
}

const text = /^application\/grpc-web-text(?:\+proto)?\s*(?:;|$)/i
export const binaryType = 'application/grpc-web+proto'
export const textType = 'application/grpc-web-text+proto'

/** The response is text when the client accepts text, or when it sends text and does not accept the binary form. */
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
 * Decodes base64. A client may encode each message separately, so padding may occur between any groups of four characters.
 * @throws ConnectError `invalid_argument` for invalid base64.
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
  if (rest !== '') throw notBase64('the body ends in the middle of a group of four characters')
}

/** Encodes each piece separately, so that no bytes wait for the next piece. */
export async function* encodeText(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  for await (const piece of body) {
    const base64 = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('base64')
    yield new Uint8Array(Buffer.from(base64, 'latin1'))
  }
}

function bytesOf(base64: string): Uint8Array {
  if (!/^[A-Za-z0-9+/=]*$/.test(base64))
    throw notBase64('the body has a character outside the base64 alphabet')
  if (!base64.includes('=')) return Buffer.from(base64, 'base64')
  const segments = base64.match(/[^=]+={0,2}/g) ?? []
  if (segments.join('') !== base64 || segments.some((one) => one.length % 4 !== 0)) {
    throw notBase64('the body has invalid padding')
  }
  return Buffer.concat(segments.map((one) => Buffer.from(one, 'base64')))
}

function notBase64(why: string): ConnectError {
  return new ConnectError(`invalid base64: ${why}`, Code.InvalidArgument)
}
