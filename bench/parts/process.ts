import { availableParallelism } from 'node:os'
import sharp from 'sharp'
import { sampleImage } from '@pixelflow/testkit/images'
import { cpuDuring } from '../cpu.ts'
import { median, pace } from '../pace.ts'
import type { Part } from './part.ts'

/** Calls in one turn of the idle measurement, by each of the two that are compared. */
const callsAtOnce = 10

/** Image in, image out, beside the plain sharp call: how much later one answer comes, and how many come at most. */
export const processing: Part = async ({ options, stack, gateway, actor, say }) => {
  const { images, rounds, warmUp } = options
  const cores = availableParallelism()
  sharp.concurrency(1)
  sharp.cache(false)
  const small = await sampleImage({ width: 1000, height: 750, quality: 80 })
  const large = await sampleImage({ width: 2725, height: 2225, quality: 80 })
  const kilobytes = (bytes: Uint8Array) => `${Math.round(bytes.length / 1000)} kB`
  say(
    `idle: a JPEG of ${kilobytes(small)} → 400 pixels, one call after the other; ` +
      `full: one of 2725 × 2225, ${kilobytes(large)} → 512 pixels, ${images} a round; ${rounds} rounds, ${cores} cores`,
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
  say(`warming up with ${warmUp} images each way`)
  for (const [source, width] of [
    [small, 400],
    [large, 512],
  ] as const) {
    await pace(warmUp, cores * 2, () => call(source, width))
    await pace(warmUp, cores, () => plain(source, width))
  }

  const idle: { plain: number[]; call: number[] } = { plain: [], call: [] }
  for (let turn = 0; turn < rounds * 4; turn += 1) {
    for (const [name, one] of [
      ['plain', plain],
      ['call', call],
    ] as const) {
      for (let i = 0; i < callsAtOnce; i += 1) {
        const begin = performance.now()
        await one(small, 400)
        idle[name].push(performance.now() - begin)
      }
    }
  }
  const laterMs = median(idle.call) - median(idle.plain)
  say(`idle p50: plain sharp ${median(idle.plain).toFixed(1)} ms, call ${median(idle.call).toFixed(1)} ms`)

  const pids = { gateway: gateway.pid, actors: actor.pid, 'nats-server': stack.nats.pid, client: process.pid }
  const cpu: Record<string, number> = {}
  const rates: { plain: number; call: number }[] = []
  let plainCpuMs = 0
  for (let round = 0; round < rounds; round += 1) {
    const alone = await cpuDuring({ client: process.pid }, () => pace(images, cores, () => plain(large, 512)))
    plainCpuMs += alone.cpuMs['client'] ?? 0
    const pixelflow = await cpuDuring(pids, () => pace(images, cores * 4, () => call(large, 512)))
    for (const [name, ms] of Object.entries(pixelflow.cpuMs)) cpu[name] = (cpu[name] ?? 0) + ms
    rates.push({ plain: alone.result, call: pixelflow.result })
    say(
      `round ${round + 1}: plain sharp ${alone.result.toFixed(1)}/s, PixelFlow ${pixelflow.result.toFixed(1)}/s`,
    )
  }
  const total = images * rounds
  const report = {
    processIdleLaterMs: laterMs,
    processIdleMs: median(idle.call),
    processToPlainSharp: median(rates.map((row) => row.call / row.plain)),
    processesPerSecond: median(rates.map((row) => row.call)),
    processCpuMsPerImage: Object.fromEntries(Object.entries(cpu).map(([name, ms]) => [name, ms / total])),
    processPlainCpuMsPerImage: plainCpuMs / total,
    /** What the ratio comes to on a machine that does nothing else: with others on it, more processes get more of it. */
    processToPlainSharpByCpu: plainCpuMs / Object.values(cpu).reduce((sum, ms) => sum + ms, 0),
  }

  say('')
  say(`idle: the call comes later than plain sharp by ${laterMs.toFixed(1)} ms   (at most 12, goal 6)`)
  say(
    `full: calls ÷ plain sharp loop                 ${report.processToPlainSharp.toFixed(2)}   (at least 0.60, goal 0.75)`,
  )
  say(`full, by CPU: plain sharp ÷ all processes      ${report.processToPlainSharpByCpu.toFixed(2)}`)
  say('')
  say('CPU milliseconds an image, by process:')
  for (const [name, ms] of Object.entries(report.processCpuMsPerImage))
    say(`  ${name.padEnd(12)} ${ms.toFixed(1)}`)
  say(`  (plain sharp: ${report.processPlainCpuMsPerImage.toFixed(1)})`)
  return report
}
