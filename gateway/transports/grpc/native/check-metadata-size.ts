import type { Metadata } from '@grpc/grpc-js'
import { Fault } from '@pixelflow/core/fault'
import { removedHeader } from './header-field-filter.ts'

/** Names and values of a call's metadata, plus 32 bytes for each field, as HTTP/2 counts SETTINGS_MAX_HEADER_LIST_SIZE. */
const maxMetadataBytes = 64 * 1024
const fieldOverheadBytes = 32

/** The fault of a call with too much metadata; undefined when the size is allowed. */
export function checkMetadataSize(metadata: Metadata): Fault | undefined {
  const bytes = sizeOf(metadata)
  if (bytes <= maxMetadataBytes) return undefined
  const got = Number.isFinite(bytes) ? String(bytes) : 'more'
  return new Fault(
    'resource_limit_exceeded',
    `Metadata must be at most ${maxMetadataBytes} bytes, got ${got}.`,
    {
      field: 'metadata',
      remedy: 'Send less metadata. Send files and recipes in messages.',
    },
  )
}

function sizeOf(metadata: Metadata): number {
  if (metadata.get(removedHeader).length > 0) return Infinity
  let bytes = 0
  for (const name of Object.keys(metadata.getMap())) {
    for (const value of metadata.get(name)) {
      // Binary values are base64 on the wire.
      const length = typeof value === 'string' ? value.length : Math.ceil((value.length * 4) / 3)
      bytes += name.length + length + fieldOverheadBytes
    }
  }
  return bytes
}
