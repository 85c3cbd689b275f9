import type { FormatId } from '@pixelflow/core/format'
import sharp from 'sharp'

/** Names of the libvips loaders by format. */
const decoders: Readonly<Record<FormatId, string>> = {
  jpeg: 'Jpeg',
  png: 'Png',
  webp: 'Webp',
  avif: 'Heif',
  gif: 'Nsgif',
  tiff: 'Tiff',
  svg: 'Svg',
}

/**
 * Blocks all decoders of this process except those of these formats. PNG stays allowed: intermediate images are PNG
 * files of our own.
 */
export function allowDecoders(wanted: readonly FormatId[]): void {
  const key = wanted.join()
  if (key === allowed) return
  const operation = [...new Set<FormatId>([...wanted, 'png'])].map((id) => `VipsForeignLoad${decoders[id]}`)
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation })
  allowed = key
}

/** The formats of the last call. */
let allowed: string | undefined
