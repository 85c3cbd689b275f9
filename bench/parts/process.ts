import { availableParallelism } from 'node:os'
import sharp from 'sharp'
import { sampleImage } from '@pixelflow/testkit/images'
import { descendantsOf, measureCpu, processAlone } from '../measure-cpu.ts'
import { measureRate } from '../measure-rate.ts'
import { computeMedian } from '../compute-median.ts'
import type { Part } from './part.ts'

/** Calls of each variant in one turn of the idle measurement. */
const callsAtOnce = 10

/** Compares synchronous calls with plain calls of sharp: added latency while idle, and throughput at full load. */
export const processPart: Part = async ({ options, openStack, print }) => {
  const { stack, gateway, actor } = await openStack()
  const { images, rounds, warmUp } = options
  const cores = availableParallelism()
  sharp.concurrency(1)
  sharp.cache(false)
  const small = await sampleImage({ width: 1000, height: 750, quality: 80 })
  const large = await sampleImage({ width: 2725, height: 2225, quality: 80 })
  const kilobytes = (bytes: Uint8Array) => `${Math.round(bytes.length / 1000)} kB`
  print(
    `idle: a JPEG of ${kilobytes(small)} → 400 pixels, one call after the other; ` +
      `full: a JPEG of 2725 × 2225, ${kilobytes(large)} → 512 pixels, ${images} per round; ${rounds} rounds, ${cores} cores`,
  )

  const plain = async (source: Uint8Array, width: number) => {
    const resized = sharp(source, { autoOrient: true }).resize({ width, withoutEnlargement: true })
    await resized.jpeg().toBuffer()
  }
  const call = async (source: Uint8Array, width: number) => {
    const response = await fetch(`${gateway.url}/api/v1/process?recipe=resize:${width}`, {
      method: 'POST',
      body: source as Uint8Array<ArrayBuffer>,
      headers: { 'content-type': 'image/jpeg' },
    })
    const bytes = (await response.arrayBuffer()).byteLength
    if (response.status !== 200 || bytes < 1000) throw new Error(`${response.status}, ${bytes} bytes`)
  }
  print(`warming up with ${warmUp} images for each variant`)
  for (const [source, width] of [
    [small, 400],
    [large, 512],
  ] as const) {
    await measureRate(warmUp, cores * 2, () => call(source, width))
    await measureRate(warmUp, cores, () => plain(source, width))
  }

  const idle: { plain: number[]; call: number[] } = { plain: [], call: [] }
  for (let turn = 0; turn < rounds * 4; turn += 1) {
    for (const [name, one] of [
      ['plain', plain],
      ['call', call],
    ] as const) {
      for (let i = 0; i < callsAtOnce; i += 1) {
        const startedAt = performance.now()
        await one(small, 400)
        idle[name].push(performance.now() - startedAt)
      }
    }
  }
  const laterMs = computeMedian(idle.call) - computeMedian(idle.plain)
  print(
    `idle p50: plain sharp ${computeMedian(idle.plain).toFixed(1)} ms, call ${computeMedian(idle.call).toFixed(1)} ms`,
  )

  const pids = {
    gateway: gateway.pid,
    actor: processAlone(actor.pid),
    workers: descendantsOf(actor.pid),
    'nats-server': stack.nats.pid,
    client: process.pid,
  }
  const cpu: Record<string, number> = {}
  const rates: { plain: number; call: number }[] = []
  let plainCpuMs = 0
  for (let round = 0; round < rounds; round += 1) {
    const alone = await measureCpu({ client: process.pid }, () =>
      measureRate(images, cores, () => plain(large, 512)),
    )
    plainCpuMs += alone.cpuMs['client'] ?? 0
    const pixelflow = await measureCpu(pids, () => measureRate(images, cores * 4, () => call(large, 512)))
    for (const [name, ms] of Object.entries(pixelflow.cpuMs)) cpu[name] = (cpu[name] ?? 0) + ms
    rates.push({ plain: alone.result, call: pixelflow.result })
    print(
      `round ${round + 1}: plain sharp ${alone.result.toFixed(1)}/s, PixelFlow ${pixelflow.result.toFixed(1)}/s`,
    )
  }
  const total = images * rounds
  const report = {
    processIdleLaterMs: laterMs,
    processIdleMs: computeMedian(idle.call),
    processToPlainSharp: computeMedian(rates.map((row) => row.call / row.plain)),
    processesPerSecond: computeMedian(rates.map((row) => row.call)),
    processCpuMsPerImage: Object.fromEntries(Object.entries(cpu).map(([name, ms]) => [name, ms / total])),
    processPlainCpuMsPerImage: plainCpuMs / total,
    /** The ratio on a machine without other load. With other load, more processes get a larger share of the CPU. */
    processToPlainSharpByCpu: plainCpuMs / Object.values(cpu).reduce((sum, ms) => sum + ms, 0),
  }

  print('')
  print(`idle: a call takes ${laterMs.toFixed(1)} ms longer than plain sharp   (at most 6, goal 3)`)
  print(
    `full: calls ÷ plain sharp loop                 ${report.processToPlainSharp.toFixed(2)}   (at least 0.75, goal 0.85)`,
  )
  print(`full, by CPU: plain sharp ÷ all processes      ${report.processToPlainSharpByCpu.toFixed(2)}`)
  print('')
  print('CPU milliseconds per image, by process:')
  for (const [name, ms] of Object.entries(report.processCpuMsPerImage))
    print(`  ${name.padEnd(12)} ${ms.toFixed(1)}`)
  print(`  (plain sharp: ${report.processPlainCpuMsPerImage.toFixed(1)})`)
  return report
}
