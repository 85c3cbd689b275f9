import { says } from '@pixelflow/testkit/process'
import { cpuDuring } from '../cpu.ts'
import { line, sink } from '../grpc/processes.ts'
import { grpcUpload } from '../grpc/upload.ts'
import { forgetUploads } from '../limits.ts'
import { median } from '../pace.ts'
import { upload } from '../stored.ts'
import type { Part } from './part.ts'

const MB = 1e6
const chunkBytes = 256 * 1024
/** Half of the way there and back. */
const delayMs = 12

/**
 * Uploads over gRPC, beside the same client sending to a server that only counts bytes: on this machine, and over a
 * line that takes 24 ms there and back.
 */
export const grpcUploads: Part = async ({ options, stack, gateway, say }) => {
  const { rounds, uploadBytes } = options
  const { grpc: address } = JSON.parse(await gateway.line(says('ready'))) as { grpc: string }
  const port = Number(address.slice(address.lastIndexOf(':') + 1))
  await using plain = await sink()
  await using farGateway = await line(port, delayMs)
  await using farPlain = await line(plain.port, delayMs)
  const at = (one: number) => `127.0.0.1:${one}`
  say(`files of ${uploadBytes / 1024 / 1024} MiB in messages of ${chunkBytes / 1024} KiB`)

  await grpcUpload(at(plain.port), uploadBytes, chunkBytes)
  await grpcUpload(address, uploadBytes, chunkBytes)

  const names = ['sink', 'house', 'http', 'farSink', 'farHouse'] as const
  const rows: Record<(typeof names)[number], number>[] = []
  const cpu: Record<string, Record<string, number>> = { sink: {}, house: {}, http: {} }
  const house = { gateway: gateway.pid, 'nats-server': stack.nats.pid, client: process.pid }
  const measured = async (
    what: string,
    pids: Record<string, number>,
    work: () => Promise<number>,
  ): Promise<number> => {
    const { result, cpuMs } = await cpuDuring(pids, work)
    await forgetUploads(stack.nats)
    const sums = (cpu[what] ??= {})
    for (const [name, ms] of Object.entries(cpuMs)) sums[name] = (sums[name] ?? 0) + ms
    return result
  }
  for (let round = 0; round < rounds; round += 1) {
    await forgetUploads(stack.nats)
    rows.push({
      sink: await measured('sink', { sink: plain.pid, client: process.pid }, () =>
        grpcUpload(at(plain.port), uploadBytes, chunkBytes),
      ),
      house: await measured('house', house, () => grpcUpload(address, uploadBytes, chunkBytes)),
      http: await measured('http', house, () => upload(gateway.url, uploadBytes)),
      farSink: await grpcUpload(at(farPlain.port), uploadBytes, chunkBytes),
      farHouse: await grpcUpload(at(farGateway.port), uploadBytes, chunkBytes),
    })
    say(
      `round ${round + 1}: ${names.map((name) => `${name} ${((rows.at(-1)?.[name] ?? 0) / MB).toFixed(0)}`).join(', ')} MB/s`,
    )
  }

  const rate = (name: (typeof names)[number]) => median(rows.map((row) => row[name])) / MB
  const ratio = (above: (typeof names)[number], below: (typeof names)[number]) =>
    median(rows.map((row) => row[above] / row[below]))
  const gibs = (rounds * uploadBytes) / 2 ** 30
  const report = {
    grpcUploadToPlainSink: ratio('house', 'sink'),
    grpcUploadMBPerSecond: rate('house'),
    grpcUploadToHttpUpload: ratio('house', 'http'),
    grpcFarUploadMBPerSecond: rate('farHouse'),
    grpcFarUploadToPlainSink: ratio('farHouse', 'farSink'),
    cpuMsPerUploadedGiB: Object.fromEntries(
      Object.entries(cpu).map(([what, sums]) => [
        what,
        Object.fromEntries(Object.entries(sums).map(([name, ms]) => [name, ms / gibs])),
      ]),
    ),
  }
  const figures = [
    ['gRPC upload ÷ plain gRPC sink', report.grpcUploadToPlainSink.toFixed(2), '(at least 0.5)'],
    ['gRPC upload', `${report.grpcUploadMBPerSecond.toFixed(0)} MB/s`, ''],
    ['gRPC upload ÷ HTTP upload', report.grpcUploadToHttpUpload.toFixed(2), ''],
    ['at 24 ms round trip', `${report.grpcFarUploadMBPerSecond.toFixed(0)} MB/s`, '(at least 50)'],
    ['at 24 ms ÷ plain gRPC sink at 24 ms', report.grpcFarUploadToPlainSink.toFixed(2), ''],
  ]
  say('')
  for (const [what = '', figure = '', bound = ''] of figures)
    say(`${what.padEnd(36)} ${figure.padStart(9)}   ${bound}`)
  say('')
  say('CPU milliseconds per GiB, by process:')
  for (const [what, sums] of Object.entries(report.cpuMsPerUploadedGiB)) {
    const each = Object.entries(sums).map(([name, ms]) => `${name} ${ms.toFixed(0)}`)
    say(`  ${what.padEnd(6)} ${each.join(', ')}`)
  }
  return report
}
