import { Fault } from '@pixelflow/core/fault'
import { decodeField, make, type MultipartError, type PartInfo } from 'multipasta'
import { truncated } from '../../usecases/receive-image.ts'
import { bodyOf, type Alive } from './body.ts'

export type Part =
  | { readonly kind: 'field'; readonly name: string; readonly value: string }
  | {
      readonly kind: 'file'
      readonly name: string
      readonly mediaType: string
      readonly body: AsyncGenerator<Uint8Array, void>
    }

type Piece =
  | { readonly is: 'field'; readonly info: PartInfo; readonly value: Uint8Array }
  | { readonly is: 'file'; readonly info: PartInfo }
  | { readonly is: 'chunk'; readonly chunk: Uint8Array }
  | { readonly is: 'end of file' | 'end' }

const largestField = 1024 * 1024
const mostParts = 16
const fields: ReadonlySet<string> = new Set(['recipe', 'lane'])

/**
 * The parts of a multipart/form-data body as they come. Pulled: nothing is taken from the socket before it is asked for,
 * and at most what one read brought is held. A file has to be read, or is passed over, before the part behind it. Parts
 * named `recipe` or `lane` are fields even when they are sent as files.
 * @throws Fault `invalid_request`, `truncated_upload`.
 */
export async function* readParts(request: Request, alive?: Alive): AsyncGenerator<Part, void> {
  const pieces: Piece[] = []
  let failure: Fault | undefined
  const parser = make({
    headers: { 'content-type': request.headers.get('content-type') ?? '' },
    maxParts: mostParts,
    maxFieldSize: largestField,
    isFile: ({ name, filename }) => name === 'file' || (filename !== undefined && !fields.has(name)),
    onField: (info, value) => pieces.push({ is: 'field', info, value }),
    onFile(info) {
      pieces.push({ is: 'file', info })
      return (chunk) => pieces.push(chunk ? { is: 'chunk', chunk } : { is: 'end of file' })
    },
    onError: (error) => (failure ??= faultOf(error)),
    onDone: () => pieces.push({ is: 'end' }),
  })
  const chunks = bodyOf(request, alive)

  const next = async (): Promise<Piece> => {
    for (;;) {
      const piece = pieces.shift()
      if (piece) return piece
      if (failure) throw failure
      const { done, value } = await chunks.next()
      if (done) throw truncated()
      parse(parser.write, value)
    }
  }

  async function* file(): AsyncGenerator<Uint8Array, void> {
    for (let piece = await next(); piece.is !== 'end of file'; piece = await next()) {
      if (piece.is === 'chunk') yield piece.chunk
    }
  }

  try {
    for (let piece = await next(); piece.is !== 'end'; piece = await next()) {
      if (piece.is === 'field')
        yield { kind: 'field', name: piece.info.name, value: decodeField(piece.info, piece.value) }
      if (piece.is !== 'file') continue
      const body = file()
      yield { kind: 'file', name: piece.info.name, mediaType: piece.info.contentType.toLowerCase(), body }
      for await (const _ of body);
    }
  } finally {
    await chunks.return()
  }
}

/** The parser throws on some malformed headers instead of reporting them. */
function parse(write: (chunk: Uint8Array) => void, chunk: Uint8Array): void {
  try {
    write(chunk)
  } catch (cause) {
    throw malformed('The header of a part cannot be read.', cause)
  }
}

function faultOf(error: MultipartError): Fault {
  switch (error._tag) {
    case 'InvalidBoundary':
      return malformed('The content type multipart/form-data names no boundary.', error)
    case 'BadHeaders':
    case 'InvalidDisposition':
      return malformed('The header of a part cannot be read.', error)
    case 'EndNotReached':
      return truncated(error)
    case 'ReachedLimit':
      return error.limit === 'MaxParts'
        ? malformed(`The form has more than ${mostParts} parts.`, error)
        : malformed(`A field of the form is longer than ${largestField} bytes.`, error)
  }
}

function malformed(detail: string, cause: unknown): Fault {
  return new Fault('invalid_request', detail, {
    remedy: 'Let your HTTP client make the form, for example curl -F file=@photo.jpg.',
    cause,
  })
}
