import { largestJsonBytes } from '@pixelflow/core/json-bounds'
import type { LimitsClass } from './declare-call.ts'

/** Largest message in both directions. It is the default limit of gRPC clients. */
export const maxMessageBytes = 4 * 1024 * 1024

/** Largest JSON body, and largest gRPC message; an image is sent as a file over REST, and in several messages over gRPC. */
export const maxRequestBytes: Readonly<Record<LimitsClass, number>> = {
  small: 64 * 1024,
  json: largestJsonBytes,
  image: maxMessageBytes,
}
