import type { Fault } from '@pixelflow/core/fault'
import type { Metadata, Sharp, SharpOptions } from 'sharp'

/** How a file has to be read so that its decoder gives the picture that is in it. */
export interface Preparation {
  /** The bytes to decode instead of the file. */
  readonly input?: Buffer
  /** What ends decoding, where it differs from what does for other files. */
  readonly failOn?: SharpOptions['failOn']
  /**
   * Puts right what the decoder gives: the outcome, written as PNG with all metadata, becomes the source. Undefined where
   * the decoder's metadata show that nothing is wrong with it.
   */
  readonly adjust?: (image: Sharp, metadata: Metadata) => Sharp | undefined
  /**
   * The bytes to decode instead of the file, once the decoder has looked at all of it. Undefined where its metadata show that
   * nothing is wrong.
   */
  readonly replace?: (metadata: Metadata) => Buffer | undefined
  /** The reason that the decoder does not know, for a file that it calls damaged. */
  readonly reason?: Fault
}
