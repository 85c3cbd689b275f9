import sharp from 'sharp'
import type { Picture } from '@pixelflow/core/recipe/operation'
import { planRenderings } from '@pixelflow/core/recipe/plan-renderings'
import { plan } from '@pixelflow/core/recipe/plan'
import { copySize, planPreview } from '@pixelflow/core/recipe/plan-preview'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import type { ServerMessage } from '@pixelflow/core/tune/server-message'
import type { ClientMessageInput } from '@pixelflow/core/tune/client-message'
import { tunePath, tuneProtocol } from '@pixelflow/core/tune/tune-protocol'
import { measureCpu } from '../measure-cpu.ts'
import { computeMedian } from '../compute-median.ts'
import { samplePhoto } from '../sample-photo.ts'
import type { Part } from './part.ts'

/** A parameter that users change with a slider: each value gives a different image. */
const sliders: Readonly<Record<string, (value: number) => string>> = {
  blur: (value) => `blur:${4 + value / 10}`,
  sharpen: (value) => `resize:1200/sharpen:${1 + value / 100}`,
  rotate: (value) => `rotate:${1 + value / 10}:white`,
  gray: (value) => `grayscale/crop:${value}:0:3000:2800`,
}

const maxPixels = 1_048_576
/** Changes of each variant in one turn. */
const changesAtOnce = 10

/** Compares the time from a change of a recipe to its preview of one megapixel with plain sharp calls on the same pixels. */
export const tunePart: Part = async ({ options, openStack, print }) => {
  const { stack, gateway, actor } = await openStack()
  sharp.concurrency(1)
  sharp.cache(false)
  const bytes = await samplePhoto()
  const image = await upload(gateway.url, bytes)
  const plain = await openPlainRenderer(bytes)
  await using session = await openTuning(gateway.url, image)
  print(`a JPEG of 4000 × 3000, previews of ${plain.width} × ${plain.height}, ${options.rounds} rounds`)

  let sliderMoves = 0
  const measureChanges = async (
    recipe: (value: number) => string,
    change: (recipe: string) => Promise<void>,
  ) => {
    const took: number[] = []
    for (let i = 0; i < changesAtOnce; i += 1) {
      const startedAt = performance.now()
      await change(recipe((sliderMoves += 1) % 200))
      took.push(performance.now() - startedAt)
    }
    return took
  }
  for (const recipe of Object.values(sliders)) {
    await measureChanges(recipe, session.change)
    await measureChanges(recipe, plain.render)
  }

  const pids = { gateway: gateway.pid, actors: actor.pid, 'nats-server': stack.nats.pid }
  const cpu: Record<string, number> = {}
  const bySlider: Record<string, { changeMs: number; plainMs: number }> = {}
  for (const [name, recipe] of Object.entries(sliders)) {
    const took: { change: number[]; plain: number[] } = { change: [], plain: [] }
    for (let round = 0; round < options.rounds; round += 1) {
      took.plain.push(...(await measureChanges(recipe, plain.render)))
      const tuned = await measureCpu(pids, () => measureChanges(recipe, session.change))
      took.change.push(...tuned.result)
      for (const [process, ms] of Object.entries(tuned.cpuMs)) cpu[process] = (cpu[process] ?? 0) + ms
    }
    const [changeMs, plainMs] = [computeMedian(took.change), computeMedian(took.plain)]
    bySlider[name] = { changeMs, plainMs }
    print(`${name.padEnd(8)} plain sharp ${plainMs.toFixed(1)} ms, change ${changeMs.toFixed(1)} ms`)
  }

  const rows = Object.values(bySlider)
  const changes = rows.length * options.rounds * changesAtOnce
  const report = {
    tuneMs: computeMedian(rows.map((row) => row.changeMs)),
    tuneSlowestMs: Math.max(...rows.map((row) => row.changeMs)),
    tunePlainToChange: computeMedian(rows.map((row) => row.plainMs / row.changeMs)),
    tuneLaterMs: computeMedian(rows.map((row) => row.changeMs - row.plainMs)),
    tuneBySlider: bySlider,
    tuneCpuMsPerChange: Object.fromEntries(Object.entries(cpu).map(([name, ms]) => [name, ms / changes])),
  }
  print('')
  print(
    `p50 of a change: ${report.tuneMs.toFixed(1)} ms, slowest slider ${report.tuneSlowestMs.toFixed(1)} ms   (at most 60)`,
  )
  print(
    `plain sharp ÷ change ${report.tunePlainToChange.toFixed(2)}; a change takes ${report.tuneLaterMs.toFixed(1)} ms longer`,
  )
  const cpuText = Object.entries(report.tuneCpuMsPerChange).map(([name, ms]) => `${name} ${ms.toFixed(1)}`)
  print(`CPU milliseconds per change: ${cpuText.join(', ')}`)
  return report
}

async function upload(url: string, bytes: Uint8Array): Promise<string> {
  const response = await fetch(`${url}/api/v1/images`, {
    method: 'POST',
    body: bytes as Uint8Array<ArrayBuffer>,
    headers: { 'content-type': 'image/jpeg' },
  })
  if (response.status !== 201) throw new Error(`upload: ${response.status} ${await response.text()}`)
  return ((await response.json()) as { id: string }).id
}

/** A minimal program: pixels in memory, the same calls of sharp, and a JPEG. */
async function openPlainRenderer(bytes: Uint8Array) {
  const source: Picture = { width: 4000, height: 3000, alpha: false }
  const size = copySize(source, maxPixels)
  const { data, info } = await sharp(bytes)
    .resize({ ...size, fit: 'fill' })
    .raw()
    .toBuffer({ resolveWithObject: true })
  const { width, height, channels } = info
  return {
    width,
    height,
    async render(recipe: string): Promise<void> {
      const [output] = plan(parseRecipe(recipe)).outputs
      if (output === undefined) throw new Error(`the recipe ${recipe} has no output`)
      const copy = { ...source, ...size }
      const preview = planPreview(output, source, copy, maxPixels).output
      let pixels: { data: Uint8Array; raw: { width: number; height: number; channels: 1 | 2 | 3 | 4 } } = {
        data,
        raw: { width, height, channels },
      }
      const pipelines = planRenderings(preview, copy, 'jpeg')
      for (const one of pipelines.slice(0, -1)) {
        const applied = await one.apply(sharp(pixels.data, { raw: pixels.raw }), sharp)
        const rendered = await applied.raw().toBuffer({ resolveWithObject: true })
        pixels = { data: rendered.data, raw: rendered.info }
      }
      const last = await pipelines.at(-1)?.apply(sharp(pixels.data, { raw: pixels.raw }), sharp)
      await last?.jpeg({ quality: 80 }).toBuffer()
    },
  }
}

async function openTuning(url: string, image: string) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${tunePath}`, [tuneProtocol])
  socket.binaryType = 'arraybuffer'
  let sequence = 0
  let pending = Promise.withResolvers<void>()
  let head: Extract<ServerMessage, { type: 'preview' }> | undefined
  const fail = (reason: string) => pending.reject(new Error(reason))
  socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (typeof data !== 'string') return head?.sequence === sequence ? pending.resolve() : undefined
    const message = JSON.parse(data) as ServerMessage
    if (message.type === 'preview') head = message
    else if (message.type !== 'opened') fail(data)
  })
  socket.addEventListener('close', ({ code }) => fail(`closed with ${code}`))
  const send = (message: ClientMessageInput) => socket.send(JSON.stringify(message))
  await new Promise((resolve) => socket.addEventListener('open', resolve))
  send({ type: 'open', image, recipe: 'resize:100', preview: { maxPixels } })
  await pending.promise
  return {
    async change(recipe: string): Promise<void> {
      pending = Promise.withResolvers()
      send({ type: 'change', sequence: (sequence += 1), recipe })
      await pending.promise
    },
    async [Symbol.asyncDispose]() {
      pending.promise.catch(() => {})
      socket.close()
    },
  }
}
