const MiB = 2 ** 20
/** Memory of a warm worker before it reads an image. */
const workerBytes = 96 * MiB
/** Three copies of four bytes per pixel: the decoded image, the result of a pass, and what is encoded. */
const bytesPerPixel = 12
/** Used when only the file size is known: photographs as JPEG have about 4 pixels per byte. */
const bytesPerFileByte = 48

/** What is known of an image before it is decoded. */
export interface SourceSize {
  readonly bytes: number
  readonly width?: number | null
  readonly height?: number | null
}

/**
 * Memory that work on an image may take, in bytes. It is a high estimate that decides which work may run side by side;
 * the limit of a worker applies to the memory that it really holds.
 */
export function estimateMemory({ bytes, width, height }: SourceSize): number {
  const work = width && height ? width * height * bytesPerPixel : bytes * bytesPerFileByte
  return workerBytes + work
}
