import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SpanRecord } from '../span-record.ts'
import { ringFiles, type RingFile } from './ring-file.ts'
import { parseRingLine } from './ring-line.ts'

/** A span, and the process that recorded it. */
export interface ProcessSpan extends SpanRecord {
  readonly service: string
  readonly pid: number
}

/**
 * The spans of the ring in `folder` whose line contains one of the texts, in no particular order. Processes may write to the
 * ring meanwhile: an incomplete line, and a file that was deleted, are left out.
 */
export async function readRing(folder: string, texts: readonly string[]): Promise<ProcessSpan[]> {
  const spans: ProcessSpan[] = []
  for (const file of await listRing(folder)) {
    const content = await readUnlessDeleted(join(folder, file.name))
    const { service, pid } = file
    for (const line of linesWith(content, texts)) {
      const span = parseRingLine(line)
      if (span !== undefined) spans.push({ ...span, service, pid })
    }
  }
  return spans
}

/** The files of the ring, oldest first; none when there is no ring. */
export async function listRing(folder: string): Promise<RingFile[]> {
  return ringFiles(await unlessMissing(readdir(folder), []))
}

function readUnlessDeleted(path: string): Promise<string> {
  return unlessMissing(readFile(path, 'utf8'), '')
}

async function unlessMissing<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise
    throw error
  }
}

/** Most lines are of other traces, so lines are not parsed before they are known to match. */
function linesWith(content: string, texts: readonly string[]): string[] {
  if (!texts.some((text) => content.includes(text))) return []
  return content.split('\n').filter((line) => texts.some((text) => line.includes(text)))
}
