import type { FormatId } from '@pixelflow/core/format'
import { prepareAvif } from './prepare-avif.ts'
import { withFileBytes } from './file-bytes.ts'
import { prepareGif } from './prepare-gif.ts'
import { prepareJpeg } from './prepare-jpeg.ts'
import type { Preparation } from './preparation.ts'
import { preparePng } from './prepare-png.ts'
import { prepareTiff } from './prepare-tiff.ts'

/**
 * Checks the header of a file for cases that its decoder handles wrongly.
 * @throws Fault `unsupported_format` that names an encoding which the decoders lack.
 */
export function prepareFormat(format: FormatId, input: string | Buffer): Preparation {
  switch (format) {
    case 'tiff':
      return withFileBytes(input, prepareTiff)
    case 'avif':
      return withFileBytes(input, (bytes) => prepareAvif(input, bytes))
    case 'gif':
      return withFileBytes(input, (bytes) => prepareGif(input, bytes))
    case 'jpeg':
      return withFileBytes(input, prepareJpeg)
    case 'png':
      return withFileBytes(input, (bytes) => preparePng(input, bytes))
    default:
      return {}
  }
}
