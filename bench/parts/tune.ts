import sharp from 'sharp'
import type { Picture } from '@pixelflow/core/operations/operation'
import { planRenderings } from '@pixelflow/core/recipe/plan-renderings'
import { plan } from '@pixelflow/core/recipe/plan'
import { copySize, planPreview } from '@pixelflow/core/recipe/plan-preview'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import type { ServerMessage } from '@pixelflow/core/tune/server-message'
import type { ClientMessageInput } from '@pixelflow/core/tune/client-message'
import { tunePath, tuneProtocol } from '@pixelflow/core/tune/tune-protocol'
import { cpuDuring } from '../cpu.ts'
import { median } from '../pace.ts'
import { photograph } from '../sample.ts'
import type { Bench, Part } from './part.ts'

/** A parameter that users change with a slider: each value gives a different image. */
const sliders: Readonly<Record<string, (value: number) => string>> = {
  blur: (value) => `blur:${4 + value / 10}`,
  sharpen: (value) => `resize:1200/sharpen:${1 + value / 100}`,
  rotate: (value) => `rotate:${1 + value / 10}:white`,
  gray: (value) => `grayscale/crop:${value}:0:3000:2800`,
}

const maxPixels = 1_048_576
/** Changes in one turn, by each of the two that are compared. */
const changesAtOnce = 10

/** A change of a recipe until its preview of a megapixel is there, beside the plain sharp calls on the same pixels. */
export const tuning: Part = async ({ options, gateway, actor, stack, say }) => {
  sharp.concurrency(1)
  sharp.cache(false)
  const bytes = await photograph()
  const image = await upload(gateway.url, bytes)
  const plain = await plainPreviews(bytes)
  await using session = await tune(gateway.url, image)
  say(`a JPEG of 4000 × 3000 in previews of ${plain.width} × ${plain.height}, ${options.rounds} rounds`)

  let moves = 0
  const each = async (recipe: (value: number) => string, one: (recipe: string) => Promise<void>) => {
    const took: number[] = []
    for (let i = 0; i < changesAtOnce; i += 1) {
      const begin = performance.now()
      await one(recipe((moves += 1) % 200))
      took.push(performance.now() - begin)
    }
    return took
  }
  for (const recipe of Object.values(sliders)) {
    await each(recipe, session.change)
    await each(recipe, plain.make)
  }

  const pids = { gateway: gateway.pid, actors: actor.pid, 'nats-server': stack.nats.pid }
  const cpu: Record<string, number> = {}
  const bySlider: Record<string, { changeMs: number; plainMs: number }> = {}
  for (const [name, recipe] of Object.entries(sliders)) {
    const took: { change: number[]; plain: number[] } = { change: [], plain: [] }
    for (let round = 0; round < options.rounds; round += 1) {
      took.plain.push(...(await each(recipe, plain.make)))
      const tuned = await cpuDuring(pids, () => each(recipe, session.change))
      took.change.push(...tuned.result)
      for (const [process, ms] of Object.entries(tuned.cpuMs)) cpu[process] = (cpu[process] ?? 0) + ms
    }
    const [changeMs, plainMs] = [median(took.change), median(took.plain)]
    bySlider[name] = { changeMs, plainMs }
    say(`${name.padEnd(8)} plain sharp ${plainMs.toFixed(1)} ms, change ${changeMs.toFixed(1)} ms`)
  }

  const rows = Object.values(bySlider)
  const changes = rows.length * options.rounds * changesAtOnce
  const report = {
    tuneMs: median(rows.map((row) => row.changeMs)),
    tuneSlowestMs: Math.max(...rows.map((row) => row.changeMs)),
    tunePlainToChange: median(rows.map((row) => row.plainMs / row.changeMs)),
    tuneLaterMs: median(rows.map((row) => row.changeMs - row.plainMs)),
    tuneBySlider: bySlider,
    tuneCpuMsPerChange: Object.fromEntries(Object.entries(cpu).map(([name, ms]) => [name, ms / changes])),
  }
  say('')
  say(
    `p50 of a change: ${report.tuneMs.toFixed(1)} ms, slowest slider ${report.tuneSlowestMs.toFixed(1)} ms   (at most 60)`,
  )
  say(
    `plain sharp ÷ change ${report.tunePlainToChange.toFixed(2)}; later by ${report.tuneLaterMs.toFixed(1)} ms`,
  )
  const cpuText = Object.entries(report.tuneCpuMsPerChange).map(([name, ms]) => `${name} ${ms.toFixed(1)}`)
  say(`CPU milliseconds a change: ${cpuText.join(', ')}`)
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

/** The shortest program: pixels in memory, the same calls of sharp, a JPEG. */
async function plainPreviews(bytes: Uint8Array) {
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
    async make(recipe: string): Promise<void> {
      const [output] = plan(parseRecipe(recipe)).outputs
      if (output === undefined) throw new Error(`nothing comes of ${recipe}`)
      const copy = { ...source, ...size }
      const shown = planPreview(output, source, copy, maxPixels).output
      let pixels: { data: Uint8Array; raw: { width: number; height: number; channels: 1 | 2 | 3 | 4 } } = {
        data,
        raw: { width, height, channels },
      }
      const pipelines = planRenderings(shown, copy, 'jpeg')
      for (const one of pipelines.slice(0, -1)) {
        const applied = await one.apply(sharp(pixels.data, { raw: pixels.raw }), sharp)
        const made = await applied.raw().toBuffer({ resolveWithObject: true })
        pixels = { data: made.data, raw: made.info }
      }
      const last = await pipelines.at(-1)?.apply(sharp(pixels.data, { raw: pixels.raw }), sharp)
      await last?.jpeg({ quality: 80 }).toBuffer()
    },
  }
}

async function tune(url: Bench['gateway']['url'], image: string) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${tunePath}`, [tuneProtocol])
  socket.binaryType = 'arraybuffer'
  let sequence = 0
  let shown = Promise.withResolvers<void>()
  let head: Extract<ServerMessage, { type: 'preview' }> | undefined
  const broken = (why: string) => shown.reject(new Error(why))
  socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (typeof data !== 'string') return head?.sequence === sequence ? shown.resolve() : undefined
    const heard = JSON.parse(data) as ServerMessage
    if (heard.type === 'preview') head = heard
    else if (heard.type !== 'opened') broken(data)
  })
  socket.addEventListener('close', ({ code }) => broken(`closed with ${code}`))
  const say = (said: ClientMessageInput) => socket.send(JSON.stringify(said))
  await new Promise((resolve) => socket.addEventListener('open', resolve))
  say({ type: 'open', image, recipe: 'resize:100', preview: { maxPixels } })
  await shown.promise
  return {
    async change(recipe: string): Promise<void> {
      shown = Promise.withResolvers()
      say({ type: 'change', sequence: (sequence += 1), recipe })
      await shown.promise
    },
    async [Symbol.asyncDispose]() {
      shown.promise.catch(() => {})
      socket.close()
    },
  }
}
