import type { FormatId } from '@pixelflow/core/format'
import sharp from 'sharp'

/** libvips's decoders for the formats we read with it. */
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
 * Switches off every decoder but those of these formats, in this process. PNG stays: what is carried from one rendering
 * to the next is one of our own.
 */
export function allowDecoders(wanted: readonly FormatId[]): void {
  const operation = [...new Set<FormatId>([...wanted, 'png'])].map((id) => `VipsForeignLoad${decoders[id]}`)
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation })
}
