import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'

/**
 * Creates a folder, and creates and removes a file in it, before work starts whose result would be lost.
 * @param field the option that names the folder
 * @throws CliError `usage` when the folder is not writable.
 */
export async function requireWritableFolder(folder: string, field: string): Promise<void> {
  const probe = join(folder, `.pixelflow-${process.pid}.part`)
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(probe, '')
    await rm(probe, { force: true })
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    throw new CliError('usage', `The folder ${folder} is not writable (${code}).`, {
      field,
      remedy: 'Choose a folder that you can write to.',
      cause: error,
    })
  }
}
