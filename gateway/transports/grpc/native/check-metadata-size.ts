import type { Metadata } from '@grpc/grpc-js'
import { Fault } from '@pixelflow/core/fault'
import { leftOutHeader } from './header-field-filter.ts'

/** Names and values of a call's metadata, and 32 bytes for each, as HTTP/2 counts them. */
const largestMetadata = 64 * 1024
const aroundEach = 32

/** Why a call has more metadata than is taken; undefined when it has not. */
export function checkMetadataSize(metadata: Metadata): Fault | undefined {
  const bytes = sizeOf(metadata)
  if (bytes <= largestMetadata) return undefined
  const got = Number.isFinite(bytes) ? String(bytes) : 'more'
  return new Fault(
    'resource_limit_exceeded',
    `Metadata must be at most ${largestMetadata} bytes, got ${got}.`,
    {
      field: 'metadata',
      remedy: 'Send files and recipes in messages.',
    },
  )
}

function sizeOf(metadata: Metadata): number {
  if (metadata.get(leftOutHeader).length > 0) return Infinity
  let bytes = 0
  for (const name of Object.keys(metadata.getMap())) {
    for (const value of metadata.get(name)) {
      // Binary values travel as base64.
      const length = typeof value === 'string' ? value.length : Math.ceil((value.length * 4) / 3)
      bytes += name.length + length + aroundEach
    }
  }
  return bytes
}
