import { outputPath, transformNote } from '../kinds/transform/transform-input.ts'

/** The file of an output: from the note of the transform worker, or from its folder. */
export async function readNotedOutput(
  folder: string,
  index: number,
  notes: readonly unknown[],
): Promise<Uint8Array<ArrayBuffer>> {
  for (const note of notes.map((one) => transformNote.parse(one))) {
    if (note.stage === 'output' && note.index === index && note.base64 !== undefined)
      return Uint8Array.fromBase64(note.base64)
  }
  return Bun.file(outputPath(folder, index)).bytes()
}
