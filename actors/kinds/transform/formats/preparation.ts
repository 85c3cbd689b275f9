import type { Fault } from '@pixelflow/core/fault'
import type { Metadata, Sharp, SharpOptions } from 'sharp'

/** How a file must be decoded so that the result is the image that it holds. */
export interface Preparation {
  /** Bytes to decode instead of the file. */
  readonly input?: Buffer
  /** EXIF of the file that its decoder does not see. */
  readonly exif?: Buffer
  /** `failOn` of sharp, where it differs from the default. */
  readonly failOn?: SharpOptions['failOn']
  /**
   * Corrects the decoded pixels. The result, encoded as PNG with all metadata, becomes the source. Undefined when the
   * metadata shows that no correction is needed.
   */
  readonly adjust?: (image: Sharp, metadata: Metadata) => Sharp | undefined
  /**
   * Bytes to decode instead of the file, chosen after the decoder has read the header. Undefined when the metadata
   * shows that no replacement is needed.
   */
  readonly replace?: (metadata: Metadata) => Buffer | undefined
  /** The reason of a `corrupt_image` error that the decoder cannot explain. */
  readonly reason?: Fault
}
