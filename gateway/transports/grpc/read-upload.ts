import { Fault } from '@pixelflow/core/fault'
import { truncatedUpload, type ImageUpload } from '../../images/receive-image.ts'
import { limitPause } from '../shared/limit-pause.ts'
import type { UploadCommit } from '@pixelflow/proto/pixelflow/v1/image_pb'

/** A message of an upload stream. The metadata differs by method. */
interface UploadMessage<M> {
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
 * Reads the metadata of an upload stream and returns the file that follows. The body completes only after a commit that
 * matches it, because a cancelled stream of some clients looks like one that has ended.
 * @throws Fault `invalid_request`, `truncated_upload`.
 */
export async function readUpload<M extends FileMetadata>(
  messages: AsyncIterable<UploadMessage<M>>,
  idleTimeoutMs: number,
): Promise<ImageUpload & { readonly metadata: M }> {
  const next = withIdleTimeout(messages, idleTimeoutMs)
  const first = await next()
  if (first?.case !== 'metadata') throw outOfOrder('a `metadata` message', 'metadata')
  const { mediaType, bytes } = first.value
  if (bytes !== undefined && bytes < 0n) throw negativeSize(bytes)
  let commit: UploadCommit | undefined

  async function* body(): AsyncGenerator<Uint8Array, void> {
    for (let received = 0; ;) {
      const data = await next()
      switch (data?.case) {
        case 'chunk':
          received += data.value.length
          if (bytes !== undefined && bytes < received) throw sizeMismatch(bytes, `${received} or more`)
          if (data.value.length > 0) yield data.value
          break
        case 'commit':
          requireMatchingCommit(data.value, received)
          if (bytes !== undefined && bytes !== BigInt(received)) throw sizeMismatch(bytes, String(received))
          commit = data.value
          if ((await next()) !== undefined) throw outOfOrder('the end of the stream', 'commit')
          return
        case 'metadata':
          throw outOfOrder('a `chunk` or `commit` message', 'metadata')
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

function requireMatchingCommit({ bytes, sha256 }: UploadCommit, received: number): void {
  if (!/^[0-9a-f]{64}$/i.test(sha256)) {
    throw new Fault('invalid_request', 'commit.sha256 is not a SHA-256 digest.', {
      field: 'commit.sha256',
      remedy: 'Send the SHA-256 of the file as 64 hexadecimal digits.',
    })
  }
  if (bytes > BigInt(received)) throw truncatedUpload()
  if (bytes === BigInt(received)) return
  throw new Fault('invalid_request', `commit.bytes is ${bytes}, but ${received} bytes arrived.`, {
    field: 'commit.bytes',
    remedy: 'Set commit.bytes to the number of bytes in the chunks.',
  })
}

function negativeSize(bytes: bigint): Fault {
  return new Fault('invalid_request', `metadata.bytes must be 0 or more, got ${bytes}.`, {
    field: 'metadata.bytes',
    remedy: 'Set metadata.bytes to the size of the file in bytes, or leave it out.',
  })
}

/** Not `truncated_upload`: the file may be complete, and the same call would fail again. */
function sizeMismatch(bytes: bigint, received: string): Fault {
  return new Fault('invalid_request', `metadata.bytes is ${bytes}, but ${received} bytes arrived.`, {
    field: 'metadata.bytes',
    remedy: 'Set metadata.bytes to the size of the file in bytes, or leave it out.',
  })
}

function outOfOrder(expected: string, field: string): Fault {
  return new Fault('invalid_request', `Expected ${expected}.`, {
    field,
    remedy: 'Send the metadata, then chunks, then the commit, and end the stream.',
  })
}

/** Returns the data of one message after the other, and undefined after the last. @throws Fault `truncated_upload`. */
function withIdleTimeout<M>(
  messages: AsyncIterable<UploadMessage<M>>,
  idleTimeoutMs: number,
): () => Promise<UploadMessage<M>['data'] | undefined> {
  const iterator = messages[Symbol.asyncIterator]()
  return async () => {
    const { done, value } = await limitPause(iterator.next(), idleTimeoutMs)
    return done === true ? undefined : value.data
  }
}
