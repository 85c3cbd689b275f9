import sharp from 'sharp'

/** The same work in a minimal program: an encoded image in, an image of `width` pixels out. */
export async function resizeWithSharp(source: Uint8Array, width: number): Promise<Uint8Array> {
  return sharp(source, { autoOrient: true }).resize({ width, withoutEnlargement: true }).jpeg().toBuffer()
}
