import { Fault } from '@pixelflow/core/fault'
import { truncatedUpload, type ImageUpload } from '../../images/receive-image.ts'
import type { UploadCommit } from '@pixelflow/proto/pixelflow/v1/image_pb'

/** A message of a stream that brings a file; what stands before its first byte differs by call. */
interface Piece<M> {
  readonly data:
    | { readonly case: 'metadata'; readonly value: M }
    | { readonly case: 'chunk'; readonly value: Uint8Array }
    | { readonly case: 'commit'; readonly value: UploadCommit }
    | { readonly case: undefined; readonly value?: undefined }
}

interface FileMetadata {
  readonly mediaType: string
  readonly bytes?: bigint | undefined
}

/**
 * The file in a stream of upload messages, its metadata already read. Its body ends well only behind a commit that
 * fits: a cancelled stream of some clients looks like one that has ended.
 * @throws Fault `invalid_request`, `truncated_upload`.
 */
export async function uploadOf<M extends FileMetadata>(
  pieces: AsyncIterable<Piece<M>>,
  idleTimeoutMs: number,
): Promise<ImageUpload & { readonly metadata: M }> {
  const next = impatient(pieces, idleTimeoutMs)
  const first = await next()
  if (first?.case !== 'metadata') throw misplaced('the metadata', 'metadata')
  const { mediaType, bytes } = first.value
  if (bytes !== undefined && bytes < 0n) throw negativeSize(bytes)
  let commit: UploadCommit | undefined

  async function* body(): AsyncGenerator<Uint8Array, void> {
    for (let taken = 0; ;) {
      const piece = await next()
      switch (piece?.case) {
        case 'chunk':
          taken += piece.value.length
          if (bytes !== undefined && bytes < taken) throw otherSize(bytes, `${taken} bytes or more were sent`)
          if (piece.value.length > 0) yield piece.value
          break
        case 'commit':
          requireSize(piece.value, taken)
          if (bytes !== undefined && bytes !== BigInt(taken))
            throw otherSize(bytes, `${taken} bytes were sent`)
          commit = piece.value
          if ((await next()) !== undefined) throw misplaced('nothing more', 'commit')
          return
        case 'metadata':
          throw misplaced('a chunk or the commit', 'metadata')
        case undefined:
          throw truncatedUpload()
      }
    }
  }

  return {
    metadata: first.value,
    body: body(),
    mediaType: mediaType.split(';', 1)[0]?.trim().toLowerCase() || null,
    bytes: bytes === undefined ? null : Number(bytes),
    sha256: () => commit?.sha256.toLowerCase(),
  }
}

function requireSize({ bytes, sha256 }: UploadCommit, taken: number): void {
  if (!/^[0-9a-f]{64}$/i.test(sha256)) {
    throw new Fault('invalid_request', 'The digest of the commit is no SHA-256.', {
      field: 'commit.sha256',
      remedy: 'Send the SHA-256 of the file as 64 hexadecimal digits.',
    })
  }
  if (bytes > BigInt(taken)) throw truncatedUpload()
  if (bytes === BigInt(taken)) return
  throw new Fault('invalid_request', `${taken} bytes have come, the commit speaks of ${bytes}.`, {
    field: 'commit.bytes',
    remedy: 'Commit with the size of what was sent.',
  })
}

function negativeSize(bytes: bigint): Fault {
  return new Fault('invalid_request', `metadata.bytes must be 0 or more, not ${bytes}.`, {
    field: 'metadata.bytes',
    remedy: 'Give metadata.bytes the size of the file in bytes, or leave it out.',
  })
}

/** Not `truncated_upload`: the file may be whole, and the same call would fail again. */
function otherSize(bytes: bigint, sent: string): Fault {
  return new Fault('invalid_request', `metadata.bytes says ${bytes}, and ${sent}.`, {
    field: 'metadata.bytes',
    remedy: 'Give metadata.bytes the size of the file in bytes, or leave it out.',
  })
}

function misplaced(expected: string, field: string): Fault {
  return new Fault('invalid_request', `Here ${expected} should have come.`, {
    field,
    remedy: 'Send the metadata, then chunks, then the commit, and end the stream.',
  })
}

/**
 * The pieces one by one, undefined behind the last. What fails while one is awaited fails that call alone: a promise
 * that all of them raced against would keep every piece for as long as it is open.
 * @throws Fault `truncated_upload` when the client pauses for longer.
 */
function impatient<M>(
  pieces: AsyncIterable<Piece<M>>,
  idleTimeoutMs: number,
): () => Promise<Piece<M>['data'] | undefined> {
  const source = pieces[Symbol.asyncIterator]()
  return () =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(truncatedUpload(new Error(`The client has sent nothing for ${idleTimeoutMs} ms.`))),
        idleTimeoutMs,
      )
      source.next().then(
        ({ done, value }) => {
          clearTimeout(timer)
          resolve(done === true ? undefined : value.data)
        },
        (thrown: unknown) => {
          clearTimeout(timer)
          reject(thrown)
        },
      )
    })
}
