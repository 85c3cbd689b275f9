import { hasMessage } from '@pixelflow/testkit/process'
import { measureCpu } from '../measure-cpu.ts'
import { startDelayProxyProgram, startSinkProgram } from '../grpc/program.ts'
import { measureGrpcUpload } from '../grpc/measure-grpc-upload.ts'
import { purgeUploads } from '../broker/purge-uploads.ts'
import { computeMedian } from '../compute-median.ts'
import { measureHttpUpload } from '../measure-http-upload.ts'
import type { Part } from './part.ts'

const MB = 1e6
const chunkBytes = 256 * 1024
/** Files per round. The variants alternate after each file, so that other load on the machine affects all equally. */
const slices = 4
/** Half of the round-trip time. */
const delayMs = 12

/**
 * Compares uploads over gRPC with the same client sending to a server that only counts bytes (sink): on this machine, and
 * with a round-trip time of 24 ms.
 */
export const grpcUploadPart: Part = async ({ options, openStack, print }) => {
  const { stack, gateway } = await openStack()
  const { rounds, uploadBytes } = options
  const { grpc: address } = JSON.parse(await gateway.line(hasMessage('ready'))) as { grpc: string }
  const port = Number(address.slice(address.lastIndexOf(':') + 1))
  await using plain = await startSinkProgram()
  await using farGateway = await startDelayProxyProgram(port, delayMs)
  await using farPlain = await startDelayProxyProgram(plain.port, delayMs)
  const at = (one: number) => `127.0.0.1:${one}`
  const sliceBytes = uploadBytes / slices
  print(
    `per round: ${slices} files of ${sliceBytes / 1024 / 1024} MiB in messages of ${chunkBytes / 1024} KiB`,
  )

  const pixelflow = { gateway: gateway.pid, 'nats-server': stack.nats.pid, client: process.pid }
  const sinkOnly = { sink: plain.pid, client: process.pid }
  const variants = {
    sink: { pids: sinkOnly, send: () => measureGrpcUpload(at(plain.port), sliceBytes, chunkBytes) },
    pixelflow: { pids: pixelflow, send: () => measureGrpcUpload(address, sliceBytes, chunkBytes) },
    http: {
      pids: pixelflow,
      send: async () => (await measureHttpUpload(gateway.url, sliceBytes)).bytesPerSecond,
    },
    farSink: { pids: sinkOnly, send: () => measureGrpcUpload(at(farPlain.port), sliceBytes, chunkBytes) },
    farPixelflow: {
      pids: pixelflow,
      send: () => measureGrpcUpload(at(farGateway.port), sliceBytes, chunkBytes),
    },
  }
  type Variant = keyof typeof variants
  const names = Object.keys(variants) as Variant[]
  const cpu = Object.fromEntries<Record<string, number>>(names.map((name) => [name, {}]))

  /** Seconds that each variant takes for the bytes of a round. The variants alternate. */
  const round = async (): Promise<Record<Variant, number>> => {
    const seconds = { sink: 0, pixelflow: 0, http: 0, farSink: 0, farPixelflow: 0 }
    for (let slice = 0; slice < slices; slice += 1) {
      for (const name of names) {
        const { result, cpuMs } = await measureCpu(variants[name].pids, variants[name].send)
        seconds[name] += sliceBytes / result
        const sums = (cpu[name] ??= {})
        for (const [process, ms] of Object.entries(cpuMs)) sums[process] = (sums[process] ?? 0) + ms
        await purgeUploads(stack.nats)
      }
    }
    return seconds
  }

  // Warms up compilers and connections; not counted.
  await round()
  for (const name of names) cpu[name] = {}
  const rows: Record<Variant, number>[] = []
  for (let count = 1; count <= rounds; count += 1) {
    const seconds = await round()
    const rates = names.map((name) => [name, uploadBytes / seconds[name]] as const)
    rows.push(Object.fromEntries(rates) as Record<Variant, number>)
    print(
      `round ${count}: ${rates.map(([name, rate]) => `${name} ${(rate / MB).toFixed(0)}`).join(', ')} MB/s`,
    )
  }

  const rate = (name: Variant) => computeMedian(rows.map((row) => row[name])) / MB
  const ratio = (above: Variant, below: Variant) => computeMedian(rows.map((row) => row[above] / row[below]))
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
  print('')
  for (const [what = '', figure = '', bound = ''] of figures)
    print(`${what.padEnd(36)} ${figure.padStart(9)}   ${bound}`)
  print('')
  print('CPU milliseconds per GiB, by process:')
  for (const [what, sums] of Object.entries(report.cpuMsPerUploadedGiB)) {
    const each = Object.entries(sums).map(([name, ms]) => `${name} ${ms.toFixed(0)}`)
    print(`  ${what.padEnd(9)} ${each.join(', ')}`)
  }
  return report
}
