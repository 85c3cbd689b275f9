import { openPlainTransfer } from '../broker/open-plain-transfer.ts'
import { purgeUploads } from '../broker/purge-uploads.ts'
import { computeMedian } from '../compute-median.ts'
import { measureCpu } from '../measure-cpu.ts'
import { measureHttpDownload } from '../measure-http-download.ts'
import { measureHttpUpload } from '../measure-http-upload.ts'
import type { Part } from './part.ts'

const kinds = ['put', 'get', 'upload', 'download'] as const
type Kind = (typeof kinds)[number]

interface Measured {
  readonly bytesPerSecond: number
  /** CPU milliseconds by process. */
  readonly cpuMs: Readonly<Record<string, number>>
}

/** Compares uploads and downloads over HTTP with plain puts and gets of as many bytes. */
export const transferPart: Part = async ({ options, openStack, print }) => {
  const { stack, gateway } = await openStack()
  const { rounds, uploadBytes } = options
  const pids = { gateway: gateway.pid, broker: stack.nats.pid, client: process.pid }
  const measure = async (transfer: () => Promise<number>): Promise<Measured> => {
    const { result, cpuMs } = await measureCpu(pids, transfer)
    return { bytesPerSecond: result, cpuMs }
  }
  const measureRound = async (): Promise<Record<Kind, Measured>> => {
    await using plain = await openPlainTransfer(stack.nats)
    const put = await measure(() => plain.put(uploadBytes))
    const get = await measure(() => plain.get(uploadBytes))
    let id = ''
    const upload = await measure(async () => {
      const uploaded = await measureHttpUpload(gateway.url, uploadBytes)
      id = uploaded.id
      return uploaded.bytesPerSecond
    })
    const download = await measure(() => measureHttpDownload(gateway.url, id, uploadBytes))
    await purgeUploads(stack.nats)
    return { put, get, upload, download }
  }
  // Warms up; not counted.
  await measureRound()
  const rows: Record<Kind, Measured>[] = []
  for (let round = 0; round < rounds; round += 1) {
    const row = await measureRound()
    rows.push(row)
    const rates = kinds.map((kind) => `${kind} ${(row[kind].bytesPerSecond / 2 ** 20).toFixed(0)} MiB/s`)
    print(`round ${round + 1}: ${rates.join(', ')}`)
  }
  const median = (read: (row: Record<Kind, Measured>) => number) => computeMedian(rows.map(read))
  const rateRatio = (one: Kind, plain: Kind) =>
    median((row) => row[one].bytesPerSecond / row[plain].bytesPerSecond)
  const cpuRatio = (one: Kind, plain: Kind) =>
    median((row) => sumOf(row[plain].cpuMs) / sumOf(row[one].cpuMs))
  const gibibytes = uploadBytes / 2 ** 30
  const report = {
    uploadToPlainPut: rateRatio('upload', 'put'),
    downloadToPlainGet: rateRatio('download', 'get'),
    /** The same ratios if all cores were always busy with nothing else. */
    cpuRatios: {
      uploadToPlainPut: cpuRatio('upload', 'put'),
      downloadToPlainGet: cpuRatio('download', 'get'),
    },
    uploadMiBPerSecond: median((row) => row.upload.bytesPerSecond) / 2 ** 20,
    downloadMiBPerSecond: median((row) => row.download.bytesPerSecond) / 2 ** 20,
    cpuMsPerGiB: Object.fromEntries(
      kinds.map((kind) => [
        kind,
        mapValues(pids, (_, name) => median((row) => row[kind].cpuMs[name] ?? 0) / gibibytes),
      ]),
    ),
  }
  print('')
  const describe = (name: keyof typeof report.cpuRatios) =>
    `${report[name].toFixed(2)}   (at least 0.80, goal 0.95; by CPU time ${report.cpuRatios[name].toFixed(2)})`
  print(`upload ÷ plain pipelined put    ${describe('uploadToPlainPut')}`)
  print(`download ÷ plain pipelined get  ${describe('downloadToPlainGet')}`)
  print('')
  print('CPU milliseconds per GiB, by process:')
  for (const [kind, cpuMs] of Object.entries(report.cpuMsPerGiB))
    print(
      `  ${kind.padEnd(9)} ${Object.entries(cpuMs)
        .map(([name, ms]) => `${name} ${ms.toFixed(0)}`)
        .join(', ')}`,
    )
  return { transfer: report }
}

function sumOf(cpuMs: Readonly<Record<string, number>>): number {
  return Object.values(cpuMs).reduce((sum, ms) => sum + ms, 0)
}

function mapValues<T>(
  record: Readonly<Record<string, T>>,
  map: (value: T, name: string) => number,
): Record<string, number> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]))
}
