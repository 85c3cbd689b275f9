import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { useSettingFolder } from '../../../config/setting-folder.ts'
import type { Loss } from '../report-losses.ts'
import type { SpanRecord, SpanSink } from '../span-record.ts'
import { formatRingLine } from './ring-line.ts'
import { traceSettings } from '../trace-settings.ts'
import { evictFiles, type RingLimits } from './evict-files.ts'
import { ringFileName } from './ring-file.ts'

export interface TraceRingOptions {
  readonly folder: string
  /** Limit of all files of all processes together. A span with a longer line than 1/64 of it is lost. */
  readonly maxBytes: number
  readonly service: string
  readonly onLoss: (loss: Loss) => void
}

/** Full files that the ring has space for. More processes than this would delete each other's files. */
const fileCount = 64
/** How long spans are collected for one write. */
const writeEveryMs = 1000
/** Spans that wait for a write. Further ones are lost. */
const maxWaiting = 8192

/**
 * The recent traces of a machine: files in one folder, to which every process appends spans, and which `./pixelflow trace`
 * reads. A process writes files of its own, each of at most 1/64 of `maxBytes`. Before a new one it deletes those that any
 * process wrote longest ago, so that no process needs to know what the others write.
 */
export class TraceRing implements SpanSink {
  readonly #options: TraceRingOptions
  readonly #limits: RingLimits
  #waiting: SpanRecord[] = []
  #lost = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #writing: Promise<void> | undefined
  #file: FileHandle | undefined
  #fileBytes = 0
  #serial = 0

  /** @throws InvalidSettings when the folder cannot be used, or other users can enter it. */
  constructor(options: TraceRingOptions) {
    useSettingFolder(traceSettings.traceRingFolder.env, options.folder)
    this.#options = options
    const { folder, maxBytes } = options
    this.#limits = { maxBytes, maxFileBytes: Math.floor(maxBytes / fileCount) }
    // The limit may be lower than that of an earlier run.
    evictFiles(folder, this.#limits, 0)
  }

  add(span: SpanRecord): void {
    if (this.#waiting.length >= maxWaiting) {
      this.#lost += 1
      return
    }
    this.#waiting.push(span)
    this.#schedule()
  }

  async close(): Promise<void> {
    await this.#writing
    while (this.#waiting.length > 0) await this.#flush()
    await this.#file?.close()
    this.#file = undefined
  }

  /** No timer runs while there is nothing to write, and one write is in progress at a time. */
  #schedule(): void {
    if (this.#waiting.length === 0 || this.#timer !== undefined || this.#writing !== undefined) return
    this.#timer = setTimeout(() => void this.#flush(), writeEveryMs)
    this.#timer.unref()
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing = this.#writeAll(this.#waiting.splice(0)).finally(() => {
      this.#writing = undefined
      this.#schedule()
    })
    return this.#writing
  }

  async #writeAll(spans: readonly SpanRecord[]): Promise<void> {
    const lost = this.#lost
    this.#lost = 0
    if (lost > 0) this.#options.onLoss({ spans: lost })
    let written = 0
    try {
      for (const { text, count } of blocksOf(spans, this.#limits.maxFileBytes)) {
        await this.#append(text)
        written += count
      }
      if (written < spans.length) this.#options.onLoss({ spans: spans.length - written })
    } catch (error) {
      this.#options.onLoss({ spans: spans.length - written, error })
      await this.#file?.close().catch(() => {})
      this.#file = undefined
    }
  }

  async #append(text: Buffer): Promise<void> {
    const isFull = this.#fileBytes + text.length > this.#limits.maxFileBytes
    if (this.#file === undefined || isFull || (await isDeleted(this.#file))) await this.#startFile()
    await this.#file?.appendFile(text)
    this.#fileBytes += text.length
  }

  async #startFile(): Promise<void> {
    const { folder, service } = this.#options
    const old = this.#file
    this.#file = undefined
    await old?.close()
    evictFiles(folder, this.#limits, 1)
    const name = ringFileName({ startedMs: Date.now(), service, pid: process.pid }, (this.#serial += 1))
    this.#file = await open(join(folder, name), 'ax', 0o600)
    this.#fileBytes = 0
  }
}

/** Another process deleted the file, because this one has not written for long. */
async function isDeleted(file: FileHandle): Promise<boolean> {
  return (await file.stat()).nlink === 0
}

/** Whole lines in blocks that fit into a file. A longer line is left out. */
function* blocksOf(
  spans: readonly SpanRecord[],
  maxBytes: number,
): Generator<{ text: Buffer; count: number }> {
  let lines: string[] = []
  let length = 0
  const block = () => ({ text: Buffer.from(lines.join('')), count: lines.length })
  for (const span of spans) {
    const line = formatRingLine(span)
    const bytes = Buffer.byteLength(line)
    if (length + bytes > maxBytes && lines.length > 0) {
      yield block()
      lines = []
      length = 0
    }
    if (bytes <= maxBytes) {
      lines.push(line)
      length += bytes
    }
  }
  if (lines.length > 0) yield block()
}
