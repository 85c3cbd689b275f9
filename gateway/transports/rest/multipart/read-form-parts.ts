import { Fault } from '@pixelflow/core/fault'
import { largestJsonBytes } from '@pixelflow/core/json-bounds'
import { shorten } from '@pixelflow/core/shorten'
import { truncatedUpload } from '../../../images/receive-image.ts'
import { createByteBuffer } from '../../../limits/byte-buffer.ts'
import { readBody, type IdleTimeout } from '../../shared/read-body.ts'
import { ParameterError, parseParameters } from './parse-parameters.ts'
import { createMultipartParser, type MultipartEvent } from './multipart-parser.ts'
import type { PartHeader } from './part-header.ts'
import { reservationOf } from '../../shared/request-context.ts'

export type FormPart =
  | { readonly kind: 'field'; readonly name: string; readonly value: string }
  | {
      readonly kind: 'file'
      readonly name: string
      /** As the client sent it; undefined when it sent none. */
      readonly fileName: string | undefined
      readonly mediaType: string
      readonly body: AsyncGenerator<Uint8Array, void>
    }

const fieldNames: ReadonlySet<string> = new Set(['recipe', 'lane'])

/**
 * Yields the parts of a multipart/form-data body in order, with backpressure: at most one read of the socket, or one field,
 * is in memory. A file must be read before the next part is asked for; otherwise it is skipped. Parts named `recipe` or
 * `lane` are fields even when they are sent as files.
 * @throws Fault `invalid_request`, `truncated_upload`.
 */
export async function* readFormParts(
  request: Request,
  idleTimeout?: IdleTimeout,
): AsyncGenerator<FormPart, void> {
  const events: MultipartEvent[] = []
  const parser = createMultipartParser(boundaryOf(request), (event) => events.push(event))
  const chunks = readBody(request, idleTimeout)

  let isInPart = false
  const next = async (): Promise<Exclude<MultipartEvent, { type: 'malformed' | 'truncated' }>> => {
    for (;;) {
      const event = events.shift()
      if (event?.type === 'truncated') throw truncatedUpload()
      if (event?.type === 'malformed') throw malformed(event.detail)
      if (event) {
        isInPart = event.type === 'part' || event.type === 'chunk'
        return event
      }
      const { done, value } = await chunks.next()
      if (done) parser.end()
      else parser.write(value)
    }
  }

  async function* content(): AsyncGenerator<Uint8Array, void> {
    for (let event = await next(); event.type === 'chunk'; event = await next()) yield event.chunk
  }

  try {
    for (let event = await next(); event.type === 'part'; event = await next()) {
      const { header } = event
      const body = content()
      if (!isFile(header)) {
        yield { kind: 'field', name: header.name, value: await readField(request, header, body) }
        continue
      }
      const { name, fileName, mediaType = 'application/octet-stream' } = header
      yield { kind: 'file', name, fileName, mediaType, body }
      while (isInPart) await next()
    }
  } finally {
    await chunks.return()
  }
}

function isFile({ name, fileName }: PartHeader): boolean {
  return name === 'file' || (fileName !== undefined && !fieldNames.has(name))
}

async function readField(
  request: Request,
  { name, charset = 'utf-8' }: PartHeader,
  body: AsyncIterable<Uint8Array>,
) {
  const buffer = createByteBuffer(reservationOf(request))
  for await (const chunk of body) {
    if (buffer.length + chunk.length > largestJsonBytes)
      throw malformed(`The part "${shorten(name)}" is longer than ${largestJsonBytes} bytes.`)
    buffer.append(chunk)
  }
  try {
    return new TextDecoder(charset as Bun.Encoding, { fatal: true }).decode(buffer.finish())
  } catch {
    throw malformed(`The part "${shorten(name)}" is not text in the charset ${shorten(charset)}.`)
  }
}

function boundaryOf(request: Request): string {
  try {
    const { parameters } = parseParameters(
      request.headers.get('content-type') ?? '',
      'The Content-Type header',
    )
    const boundary = parameters.get('boundary') ?? ''
    if (/^[\x20-\x7e]+$/.test(boundary)) return boundary
    throw malformed('The Content-Type header has no valid boundary.')
  } catch (thrown) {
    if (!(thrown instanceof ParameterError)) throw thrown
    throw malformed(thrown.message)
  }
}

function malformed(detail: string): Fault {
  return new Fault('invalid_request', detail, {
    remedy: 'Build the form with an HTTP client, for example curl -F file=@photo.jpg.',
  })
}
