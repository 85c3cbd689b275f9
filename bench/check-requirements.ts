import { existsSync } from 'node:fs'
import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { findNode } from './alternative/build-for-node.ts'
import { findRedisServer } from './alternative/start-redis.ts'
import type { BenchOptions } from './options.ts'
import { UsageError } from './usage-error.ts'

type Requirements = Pick<BenchOptions, 'parts' | 'systems' | 'profile' | 'save'>

/**
 * Checks what a run needs before it measures: programs on PATH, and that its files can be written.
 * @param path folders that are searched for programs, separated as in PATH; default PATH
 * @returns notes for the user about what will not be measured
 * @throws UsageError
 */
export async function checkRequirements(
  { parts, systems, profile, save }: Requirements,
  path?: string,
): Promise<string[]> {
  if (parts.includes('works')) {
    if (systems.includes('bullmq') || systems.includes('bullmq-node')) findRedisServer(path)
    if (systems.includes('bullmq-node')) findNode(path)
    if (profile !== undefined) await checkProfileFolder(profile)
  }
  if (save !== undefined) await checkResultsFile(save)
  const isStraceMissing = Bun.which('strace', path === undefined ? {} : { PATH: path }) === null
  return parts.includes('budget') && isStraceMissing
    ? [
        'strace is not on PATH, so the part budget will not count system calls. Install the Debian package strace (apt-get install strace).',
      ]
    : []
}

async function checkProfileFolder(folder: string): Promise<void> {
  if (/\s/.test(folder))
    throw new UsageError(`The path ${JSON.stringify(folder)} must not contain spaces.`, {
      field: '--profile',
      remedy: 'Give another folder. The environment variable BUN_OPTIONS cannot contain such a path.',
    })
  await requireWritable('--profile', folder, () => writeProbe(folder))
}

/** Checks that a file of results can be written, and, if it exists, that it is one, because results of other parts stay in it. */
async function checkResultsFile(path: string): Promise<void> {
  const exists = existsSync(path)
  await requireWritable('--save', path, async () => {
    await (exists ? (await open(path, 'r+')).close() : writeProbe(dirname(path)))
  })
  if (!exists) return
  const results = (await Bun.file(path)
    .json()
    .catch(() => undefined)) as { parts?: unknown } | null | undefined
  if (typeof results?.parts !== 'object')
    throw new UsageError(`${path} is not a file of results.`, {
      field: '--save',
      remedy: 'Give a new file, or one that bench --save has written.',
    })
}

async function requireWritable(field: string, path: string, write: () => Promise<void>): Promise<void> {
  try {
    await write()
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    throw new UsageError(`${path} is not writable (${code}).`, {
      field,
      remedy: 'Choose a path that you can write to.',
    })
  }
}

/** Creates a folder, and a file in it, which is removed. */
async function writeProbe(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const probe = join(folder, `.pixelflow-${process.pid}.part`)
  await writeFile(probe, '')
  await rm(probe, { force: true })
}
