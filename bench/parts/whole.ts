import { availableParallelism } from 'node:os'
import sharp from 'sharp'
import { cpuDuring } from '../cpu.ts'
import { plainPut, plainSharp, plainStored } from '../limits.ts'
import { median, pace } from '../pace.ts'
import { distinct, photograph } from '../sample.ts'
import { stored, upload } from '../stored.ts'
import type { Part } from './part.ts'

/** One picture stored end to end over HTTP, and uploads over HTTP, beside plain programs that do the same work. */
export const whole: Part = async ({ options, stack, gateway, actor, say }) => {
  const { images, rounds, warmUp, uploadBytes } = options
  const cores = availableParallelism()
  sharp.concurrency(1)
  sharp.cache(false)
  const source = await photograph()
  say(
    `a JPEG of 12 megapixels, ${(source.length / 1e6).toFixed(2)} MB → 800 pixels; ${images} a round, ${rounds} rounds, ${cores} cores`,
  )
  await using limit = await plainStored(stack.nats)
  const pids = { gateway: gateway.pid, actors: actor.pid, 'nats-server': stack.nats.pid, client: process.pid }

  // Uncounted: children start, streams come to be, and compilers do what they do once for the first thousand calls.
  say(`warming up with ${warmUp} images each way`)
  await pace(warmUp, cores * 2, (serial) => stored(gateway.url, distinct(source, -1 - serial)))
  await pace(warmUp, cores * 2, (serial) => limit.one(distinct(source, -1 - warmUp - serial)))
  await pace(warmUp, cores, async () => void (await plainSharp(source)))

  const rows: { sharp: number; stored: number; pixelflow: number; put: number; upload: number }[] = []
  const cpu: Record<string, number> = {}
  let limitCpuMs = 0
  for (let round = 0; round < rounds; round += 1) {
    const at = (serial: number) => distinct(source, round * images + serial)
    const sharpRate = await pace(images, cores, async (serial) => void (await plainSharp(at(serial))))
    const limited = await cpuDuring({ client: process.pid, 'nats-server': stack.nats.pid }, () =>
      pace(images, cores * 2, (serial) => limit.one(at(serial))),
    )
    limitCpuMs += Object.values(limited.cpuMs).reduce((sum, ms) => sum + ms, 0)
    const pixelflow = await cpuDuring(pids, () =>
      pace(images, cores * 2, (serial) => stored(gateway.url, at(serial))),
    )
    for (const [name, ms] of Object.entries(pixelflow.cpuMs)) cpu[name] = (cpu[name] ?? 0) + ms
    const put = await plainPut(stack.nats, uploadBytes)
    const uploaded = await upload(gateway.url, uploadBytes)
    rows.push({
      sharp: sharpRate,
      stored: limited.result,
      pixelflow: pixelflow.result,
      put,
      upload: uploaded,
    })
    say(
      `round ${round + 1}: plain sharp ${sharpRate.toFixed(1)}/s, plain stored ${limited.result.toFixed(1)}/s, ` +
        `PixelFlow ${pixelflow.result.toFixed(1)}/s; plain put ${mib(put)}, upload ${mib(uploaded)}`,
    )
  }

  const ratio = (above: keyof (typeof rows)[number], below: keyof (typeof rows)[number]) =>
    median(rows.map((row) => row[above] / row[below]))
  const total = images * rounds
  const report = {
    storedToPlainSharp: ratio('pixelflow', 'sharp'),
    storedToPlainStored: ratio('pixelflow', 'stored'),
    uploadToPlainPut: ratio('upload', 'put'),
    imagesPerSecond: median(rows.map((row) => row.pixelflow)),
    uploadMiBPerSecond: median(rows.map((row) => row.upload)) / 1024 / 1024,
    cpuMsPerImage: Object.fromEntries(Object.entries(cpu).map(([name, ms]) => [name, ms / total])),
    plainStoredCpuMsPerImage: limitCpuMs / total,
  }

  say('')
  say(
    `stored end to end ÷ plain sharp loop          ${report.storedToPlainSharp.toFixed(2)}   (at least 0.45, goal 0.6)`,
  )
  say(
    `stored end to end ÷ plain sharp + put and get ${report.storedToPlainStored.toFixed(2)}   (at least 0.75, goal 0.9)`,
  )
  say(`upload ÷ plain pipelined put                  ${report.uploadToPlainPut.toFixed(2)}   (at least 0.60)`)
  say('')
  say('CPU milliseconds an image, by process:')
  for (const [name, ms] of Object.entries(report.cpuMsPerImage)) say(`  ${name.padEnd(12)} ${ms.toFixed(1)}`)
  say(
    `  (plain sharp + put and get, client and broker together: ${report.plainStoredCpuMsPerImage.toFixed(1)})`,
  )
  return report
}

function mib(bytesPerSecond: number): string {
  return `${(bytesPerSecond / 1024 / 1024).toFixed(0)} MiB/s`
}
