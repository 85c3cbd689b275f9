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
/** So many files share the bytes of a round: what disturbs the machine then disturbs every way alike. */
const slices = 4
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
  const sliceBytes = uploadBytes / slices
  say(`${slices} files of ${sliceBytes / 1024 / 1024} MiB in messages of ${chunkBytes / 1024} KiB a round`)

  const pixelflow = { gateway: gateway.pid, 'nats-server': stack.nats.pid, client: process.pid }
  const sinkOnly = { sink: plain.pid, client: process.pid }
  const ways = {
    sink: { pids: sinkOnly, send: () => grpcUpload(at(plain.port), sliceBytes, chunkBytes) },
    pixelflow: { pids: pixelflow, send: () => grpcUpload(address, sliceBytes, chunkBytes) },
    http: { pids: pixelflow, send: () => upload(gateway.url, sliceBytes) },
    farSink: { pids: sinkOnly, send: () => grpcUpload(at(farPlain.port), sliceBytes, chunkBytes) },
    farPixelflow: { pids: pixelflow, send: () => grpcUpload(at(farGateway.port), sliceBytes, chunkBytes) },
  }
  type Way = keyof typeof ways
  const names = Object.keys(ways) as Way[]
  const cpu = Object.fromEntries<Record<string, number>>(names.map((name) => [name, {}]))

  /** Seconds that each way took for a round's bytes, slice by slice in turns. */
  const round = async (): Promise<Record<Way, number>> => {
    const seconds = { sink: 0, pixelflow: 0, http: 0, farSink: 0, farPixelflow: 0 }
    for (let slice = 0; slice < slices; slice += 1) {
      for (const name of names) {
        const { result, cpuMs } = await cpuDuring(ways[name].pids, ways[name].send)
        seconds[name] += sliceBytes / result
        const sums = (cpu[name] ??= {})
        for (const [process, ms] of Object.entries(cpuMs)) sums[process] = (sums[process] ?? 0) + ms
        await forgetUploads(stack.nats)
      }
    }
    return seconds
  }

  // Uncounted: compilers do what they do once, and connections come to be.
  await round()
  for (const name of names) cpu[name] = {}
  const rows: Record<Way, number>[] = []
  for (let count = 1; count <= rounds; count += 1) {
    const seconds = await round()
    const rates = names.map((name) => [name, uploadBytes / seconds[name]] as const)
    rows.push(Object.fromEntries(rates) as Record<Way, number>)
    say(`round ${count}: ${rates.map(([name, rate]) => `${name} ${(rate / MB).toFixed(0)}`).join(', ')} MB/s`)
  }

  const rate = (name: Way) => median(rows.map((row) => row[name])) / MB
  const ratio = (above: Way, below: Way) => median(rows.map((row) => row[above] / row[below]))
  const gibs = (rounds * uploadBytes) / 2 ** 30
  const report = {
    grpcUploadToPlainSink: ratio('pixelflow', 'sink'),
    grpcUploadMBPerSecond: rate('pixelflow'),
    grpcUploadToHttpUpload: ratio('pixelflow', 'http'),
    grpcFarUploadMBPerSecond: rate('farPixelflow'),
    grpcFarUploadToPlainSink: ratio('farPixelflow', 'farSink'),
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
    say(`  ${what.padEnd(9)} ${each.join(', ')}`)
  }
  return report
}
