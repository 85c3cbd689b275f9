import { availableParallelism } from 'node:os'
import sharp from 'sharp'
import { measureCpu } from '../measure-cpu.ts'
import { measureHttpUpload } from '../measure-http-upload.ts'
import { measurePlainPut, openPlainStore } from '../plain-store.ts'
import { measureRate } from '../measure-rate.ts'
import { computeMedian } from '../compute-median.ts'
import { makeDistinct, samplePhoto } from '../sample-photo.ts'
import { processStoredImage } from '../process-stored-image.ts'
import { resizeWithSharp } from '../resize-with-sharp.ts'
import type { Part } from './part.ts'

/** Compares stored images, end to end over HTTP, and uploads over HTTP with minimal programs that do the same work. */
export const wholePart: Part = async ({ options, openStack, print }) => {
  const { stack, gateway, actor } = await openStack()
  const { images, rounds, warmUp, uploadBytes } = options
  const cores = availableParallelism()
  sharp.concurrency(1)
  sharp.cache(false)
  const source = await samplePhoto()
  print(
    `a JPEG of 12 megapixels, ${(source.length / 1e6).toFixed(2)} MB → 800 pixels; ${images} per round, ${rounds} rounds, ${cores} cores`,
  )
  await using plainStore = await openPlainStore(stack.nats, 800)
  const pids = { gateway: gateway.pid, actors: actor.pid, 'nats-server': stack.nats.pid, client: process.pid }

  // Not counted: workers start, streams are created, and the first thousand calls are compiled.
  print(`warming up with ${warmUp} images for each variant`)
  await measureRate(warmUp, cores * 2, (serial) =>
    processStoredImage(gateway.url, makeDistinct(source, -1 - serial), 'resize:800'),
  )
  await measureRate(warmUp, cores * 2, (serial) =>
    plainStore.process(makeDistinct(source, -1 - warmUp - serial)),
  )
  await measureRate(warmUp, cores, async () => void (await resizeWithSharp(source, 800)))

  const rows: { sharp: number; stored: number; pixelflow: number; put: number; upload: number }[] = []
  const cpu: Record<string, number> = {}
  let plainStoreCpuMs = 0
  for (let round = 0; round < rounds; round += 1) {
    const at = (serial: number) => makeDistinct(source, round * images + serial)
    const sharpRate = await measureRate(
      images,
      cores,
      async (serial) => void (await resizeWithSharp(at(serial), 800)),
    )
    const plainStored = await measureCpu({ client: process.pid, 'nats-server': stack.nats.pid }, () =>
      measureRate(images, cores * 2, (serial) => plainStore.process(at(serial))),
    )
    plainStoreCpuMs += Object.values(plainStored.cpuMs).reduce((sum, ms) => sum + ms, 0)
    const pixelflow = await measureCpu(pids, () =>
      measureRate(images, cores * 2, (serial) => processStoredImage(gateway.url, at(serial), 'resize:800')),
    )
    for (const [name, ms] of Object.entries(pixelflow.cpuMs)) cpu[name] = (cpu[name] ?? 0) + ms
    const put = await measurePlainPut(stack.nats, uploadBytes)
    const uploaded = await measureHttpUpload(gateway.url, uploadBytes)
    rows.push({
      sharp: sharpRate,
      stored: plainStored.result,
      pixelflow: pixelflow.result,
      put,
      upload: uploaded,
    })
    print(
      `round ${round + 1}: plain sharp ${sharpRate.toFixed(1)}/s, plain stored ${plainStored.result.toFixed(1)}/s, ` +
        `PixelFlow ${pixelflow.result.toFixed(1)}/s; plain put ${mib(put)}, upload ${mib(uploaded)}`,
    )
  }

  const ratio = (above: keyof (typeof rows)[number], below: keyof (typeof rows)[number]) =>
    computeMedian(rows.map((row) => row[above] / row[below]))
  const total = images * rounds
  const report = {
    storedToPlainSharp: ratio('pixelflow', 'sharp'),
    storedToPlainStored: ratio('pixelflow', 'stored'),
    uploadToPlainPut: ratio('upload', 'put'),
    imagesPerSecond: computeMedian(rows.map((row) => row.pixelflow)),
    uploadMiBPerSecond: computeMedian(rows.map((row) => row.upload)) / 1024 / 1024,
    cpuMsPerImage: Object.fromEntries(Object.entries(cpu).map(([name, ms]) => [name, ms / total])),
    plainStoredCpuMsPerImage: plainStoreCpuMs / total,
  }

  print('')
  print(
    `stored end to end ÷ plain sharp loop          ${report.storedToPlainSharp.toFixed(2)}   (at least 0.45, goal 0.6)`,
  )
  print(
    `stored end to end ÷ plain sharp + put and get ${report.storedToPlainStored.toFixed(2)}   (at least 0.75, goal 0.9)`,
  )
  print(
    `upload ÷ plain pipelined put                  ${report.uploadToPlainPut.toFixed(2)}   (at least 0.60)`,
  )
  print('')
  print('CPU milliseconds per image, by process:')
  for (const [name, ms] of Object.entries(report.cpuMsPerImage))
    print(`  ${name.padEnd(12)} ${ms.toFixed(1)}`)
  print(
    `  (plain sharp + put and get, client and broker together: ${report.plainStoredCpuMsPerImage.toFixed(1)})`,
  )
  return report
}

function mib(bytesPerSecond: number): string {
  return `${(bytesPerSecond / 1024 / 1024).toFixed(0)} MiB/s`
}
