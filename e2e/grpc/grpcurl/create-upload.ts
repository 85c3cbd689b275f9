import type { MessageInitShape } from '@bufbuild/protobuf'
import type { UploadRequestSchema } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sha256Of } from './expect-result.ts'

export type UploadMessage = MessageInitShape<typeof UploadRequestSchema>

const chunkBytes = 65_536

/** A complete, valid upload. */
export function createUpload(bytes: Uint8Array): UploadMessage[] {
  return [metadataMessage(), ...chunkMessages(bytes), commitMessage(bytes)]
}

export function metadataMessage(mediaType = 'image/jpeg', bytes?: bigint): UploadMessage {
  return { data: { case: 'metadata', value: { mediaType, ...(bytes === undefined ? {} : { bytes }) } } }
}

export function chunkMessages(bytes: Uint8Array): UploadMessage[] {
  const count = Math.ceil(bytes.length / chunkBytes)
  return Array.from({ length: count }, (_, i) => ({
    data: { case: 'chunk', value: bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes) },
  }))
}

/** `change` replaces fields by wrong ones. */
export function commitMessage(
  bytes: Uint8Array,
  change: { bytes?: bigint; sha256?: string } = {},
): UploadMessage {
  return {
    data: { case: 'commit', value: { bytes: BigInt(bytes.length), sha256: sha256Of(bytes), ...change } },
  }
}
