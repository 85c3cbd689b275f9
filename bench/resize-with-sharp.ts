import sharp from 'sharp'

/** The same work in a minimal program: an encoded image in, an image of 800 pixels out. */
export async function resizeWithSharp(source: Uint8Array): Promise<Uint8Array> {
  return sharp(source, { autoOrient: true })
    .resize({ width: 800, withoutEnlargement: true })
    .jpeg()
    .toBuffer()
}
