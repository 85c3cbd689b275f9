import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import type { Hosted, Session } from '@pixelflow/core/ports/sessions'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import { previewWish } from '@pixelflow/core/tune/said'
import { previewNews, type PreviewOpening, type PreviewOrder } from '@pixelflow/core/tune/session'
import type { TunePreview } from '@pixelflow/core/tune/heard'
import { sampleImage } from '@pixelflow/testkit/images'
import sharp from 'sharp'
import { openSandbox, type Sandbox } from '../../sandbox/sandbox.ts'
import { openScratch, type Scratch } from '../../sandbox/scratch.ts'
import { account, openHouse, type House } from '../../testing/house.ts'
import { preview } from './preview.ts'
import { createShelf } from './shelf.ts'

/** Sessions over a real broker, held in this process with real children. */

let home: string
let house: House
let scratch: Scratch
let sandbox: Sandbox
let hosted: Hosted

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixelflow-preview-'))
  house = await openHouse()
  scratch = await openScratch(home)
  sandbox = openSandbox({
    command: [process.execPath, join(import.meta.dir, '../../sandbox/child.ts')],
    env: { NODE_ENV: 'production' },
    cwd: home,
    startTimeoutMs: 30_000,
    children: 1,
    timeLimitMs: 10_000,
    maxRssBytes: 2 ** 30,
    recycleRssBytes: 2 ** 29,
    recycleAfter: 1000,
    restartPauseMs: 10,
    tell: { lost: () => {}, unstartable: () => {} },
  })
  await sandbox.ready(AbortSignal.timeout(30_000))
  const { images, sources: blobs } = house.fabric
  const shelf = createShelf(80 * 2 ** 20)
  const take = preview({ images, blobs, scratch, sandbox, maxPixels: 1e7, shelf, idleTimeoutMs: 3000 })
  hosted = house.fabric.sessionHost.serve('preview', { room: 4, take })
}, 60_000)
afterAll(async () => {
  await hosted?.[Symbol.asyncDispose]()
  await sandbox?.[Symbol.asyncDispose]()
  await scratch?.[Symbol.asyncDispose]()
  await house?.[Symbol.asyncDispose]()
  await rm(home, { recursive: true, force: true })
})

interface Heard {
  readonly news: ReturnType<typeof previewNews.parse>
  readonly file: Uint8Array
}

async function open(image: string, recipe: string, more: Partial<PreviewOpening> = {}) {
  const opening: PreviewOpening = {
    account,
    image,
    preview: previewWish.parse({}),
    sequence: 0,
    recipe: parseRecipe(recipe),
    output: 'default',
    ...more,
  }
  return house.fabric.sessions.open('preview', opening, AbortSignal.timeout(10_000))
}

async function hear(session: Session): Promise<Heard> {
  const frame = await session.next(AbortSignal.timeout(20_000))
  if (frame === null) throw new Error('the session has finished')
  return { news: previewNews.parse(frame.head), file: frame.body }
}

/** Listens until the preview of a change is there. */
async function shown(
  session: Session,
  sequence: number,
): Promise<{ preview: TunePreview; file: Uint8Array }> {
  for (;;) {
    const { news, file } = await hear(session)
    if (news.type === 'preview' && news.sequence === sequence) return { preview: news, file }
    if (news.type === 'refused') throw Fault.from(news.fault)
  }
}

function order(sequence: number, recipe: string, output = 'default'): PreviewOrder {
  return { sequence, recipe: parseRecipe(recipe), output }
}

async function refusal(promise: Promise<unknown>): Promise<Fault> {
  return promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => Fault.of(error),
  )
}

describe('a session', () => {
  test('begins with the sizes, answers each order, and ends with the last one', async () => {
    const { id } = await house.upload(await sampleImage({ width: 3000, height: 2000 }))
    await using session = await open(id, 'blur:12')
    expect((await hear(session)).news).toEqual({
      type: 'opened',
      source: { width: 3000, height: 2000 },
      preview: { width: 1254, height: 836 },
    })
    const first = await hear(session)
    expect(first.news).toMatchObject({
      type: 'preview',
      sequence: 0,
      width: 1254,
      height: 836,
      result: { width: 3000, height: 2000 },
      format: 'jpeg',
      mediaType: 'image/jpeg',
      bytes: first.file.length,
    })
    expect(await sharp(first.file).metadata()).toMatchObject({ format: 'jpeg', width: 1254, height: 836 })

    await session.send(order(7, 'resize:600/rotate:90'))
    await session.finish()
    const { preview, file } = await shown(session, 7)
    expect(preview).toMatchObject({ width: 400, height: 600, result: { width: 400, height: 600 } })
    expect(await sharp(file).metadata()).toMatchObject({ width: 400, height: 600 })
    expect(await session.next()).toBeNull()
    expect(await readdir(scratch.large)).toEqual([])
  }, 30_000)

  test('looks as the result will', async () => {
    const bytes = await sampleImage({ width: 1600, height: 1200, noise: 0 })
    const { id } = await house.upload(bytes)
    const recipe = 'crop:200:100:1200:1000/blur:10/grayscale'
    await using session = await open(id, recipe, {
      preview: previewWish.parse({ maxPixels: 120_000, quality: 95 }),
    })
    const { preview, file } = await shown(session, 0)
    const { width, height } = preview
    expect([width, height]).toEqual([300, 250])
    const real = await sharp(bytes)
      .extract({ left: 200, top: 100, width: 1200, height: 1000 })
      .blur(10)
      .grayscale()
      .toColourspace('srgb')
      .toBuffer()
    const [one, other] = await Promise.all([
      sharp(real).resize({ width, height, fit: 'fill' }).removeAlpha().raw().toBuffer(),
      sharp(file).toColourspace('srgb').removeAlpha().raw().toBuffer(),
    ])
    const apart = one.reduce((sum, value, i) => sum + Math.abs(value - (other[i] ?? 0)), 0) / one.length
    expect(apart).toBeLessThan(4)
  }, 30_000)

  test('shows transparency where the result has it, and the background where it has not', async () => {
    const { id } = await house.upload(
      await sampleImage({ format: 'png', alpha: true, width: 300, height: 300 }),
    )
    await using session = await open(id, 'flip')
    const clear = await shown(session, 0)
    expect(clear.preview.format).toBe('webp')
    expect((await sharp(clear.file).stats()).isOpaque).toBe(false)
    await session.send(order(1, 'flip/format:jpeg:background=f00'))
    const laid = await shown(session, 1)
    expect(laid.preview.format).toBe('jpeg')
    const [red = 0, green = 255] = await sharp(laid.file).raw().toBuffer()
    expect(red).toBeGreaterThan(240)
    expect(green).toBeLessThan(15)

    await using webp = await open(id, 'flip/format:jpeg:background=f00', {
      preview: previewWish.parse({ format: 'webp' }),
    })
    const flat = await shown(webp, 0)
    expect(flat.preview.format).toBe('webp')
    expect((await sharp(flat.file).stats()).isOpaque).toBe(true)
    const [again = 0] = await sharp(flat.file).raw().toBuffer()
    expect(again).toBeGreaterThan(240)
  }, 30_000)

  test('turns the picture as its file says, or not, and shows any output', async () => {
    const { id } = await house.upload(await sampleImage({ width: 400, height: 200, orientation: 6 }))
    const two = parseRecipe({
      steps: [],
      outputs: { a: { steps: [] }, b: { steps: [{ op: 'resize', width: 50 }] } },
    })
    await using session = await open(id, 'flip', { recipe: two, output: 'b' })
    expect((await hear(session)).news).toMatchObject({ source: { width: 200, height: 400 } })
    expect((await shown(session, 0)).preview).toMatchObject({ output: 'b', width: 50, height: 100 })
    await session.send(order(1, 'orient:false/resize:100'))
    expect((await hear(session)).news).toMatchObject({ type: 'opened', source: { width: 400, height: 200 } })
    expect((await shown(session, 1)).preview).toMatchObject({ width: 100, height: 50 })
    await session.send(order(2, 'resize:100'))
    expect((await shown(session, 2)).preview).toMatchObject({ width: 100, height: 200 })
  }, 30_000)

  test('shows areas that are cut out with all the detail there is', async () => {
    const bytes = await sampleImage({ width: 3000, height: 2000, noise: 40 })
    const { id } = await house.upload(bytes)
    await using session = await open(id, 'crop:100:200:600:400/flop', {
      preview: previewWish.parse({ quality: 100 }),
    })
    const { preview, file } = await shown(session, 0)
    expect(preview).toMatchObject({ width: 600, height: 400, result: { width: 600, height: 400 } })
    const real = sharp(bytes).extract({ left: 100, top: 200, width: 600, height: 400 }).flop()
    const [one, other] = await Promise.all([real.raw().toBuffer(), sharp(file).raw().toBuffer()])
    const apart = one.reduce((sum, value, i) => sum + Math.abs(value - (other[i] ?? 0)), 0) / one.length
    expect(apart).toBeLessThan(4)
    await session.send(order(1, 'crop:0:0:2900:1900/blur:9'))
    expect((await shown(session, 1)).preview).toMatchObject({ width: 1212, height: 794 })
  }, 30_000)

  test('goes on after what cannot be done', async () => {
    const { id } = await house.upload(await sampleImage({ width: 300, height: 200 }))
    await using session = await open(id, 'resize:100')
    await shown(session, 0)
    await session.send(order(1, 'crop:0:0:400:100'))
    const { news } = await hear(session)
    expect(news).toMatchObject({
      type: 'refused',
      sequence: 1,
      fault: { code: 'processing_failed', field: 'steps[0].width' },
    })
    await session.send(order(2, 'resize:9000x9000:enlarge=true:fill'))
    expect((await hear(session)).news).toMatchObject({ type: 'refused', fault: { code: 'too_many_pixels' } })
    await session.send(order(3, 'resize:80'))
    expect((await shown(session, 3)).preview).toMatchObject({ width: 80 })
  }, 30_000)
})

describe('much at once', () => {
  test('only the newest of a thousand changes is made, and the one that was under way', async () => {
    const { id } = await house.upload(await sampleImage({ width: 2000, height: 1500 }))
    await using session = await open(id, 'blur:5')
    await shown(session, 0)
    const last = 1000
    for (let sequence = 1; sequence <= last; sequence += 1) {
      await session.send(order(sequence, `blur:${5 + sequence / 100}`))
    }
    const answered: number[] = []
    while (answered.at(-1) !== last) {
      const { news } = await hear(session)
      if (news.type === 'preview') answered.push(news.sequence)
    }
    expect(answered.length).toBeLessThan(20)
    expect(answered).toEqual(answered.toSorted((a, b) => a - b))
  }, 30_000)

  test('a killed child ends one rendering at most', async () => {
    const { id } = await house.upload(await sampleImage({ width: 2000, height: 1500 }))
    await using session = await open(id, 'flip')
    await shown(session, 0)
    for (let sequence = 1; sequence <= 5; sequence += 1) {
      await session.send(order(sequence, `blur:${20 + sequence}`))
      await Bun.sleep(30)
      for (const pid of sandbox.pids) process.kill(pid, 'SIGKILL')
    }
    await session.send(order(6, 'resize:70'))
    for (;;) {
      const { news } = await hear(session)
      if (news.type !== 'preview' && news.type !== 'refused') continue
      if (news.sequence !== 6) continue
      expect(news).toMatchObject({ type: 'preview', width: 70 })
      break
    }
  }, 30_000)

  test('pictures that find no room are sent elsewhere', async () => {
    const { id } = await house.upload(await sampleImage({ width: 100, height: 100 }))
    const large = { preview: previewWish.parse({ maxPixels: 4_194_304 }) }
    await using first = await open(id, 'flip', large)
    await shown(first, 0)
    await using second = await open(id, 'flip', large)
    await shown(second, 0)
    await using third = await open(id, 'flip', large)
    expect((await refusal(hear(third))).code).toBe('unavailable')
    await first[Symbol.asyncDispose]()
    for (let tries = 0; ; tries += 1) {
      await using next = await open(id, 'flip', large)
      const outcome = await shown(next, 0).catch((error: unknown) => error)
      if (!(outcome instanceof Fault)) break
      expect(tries).toBeLessThan(50)
      await Bun.sleep(50)
    }
  }, 30_000)
})

describe('a session that cannot be', () => {
  test('of a picture that the account has not', async () => {
    const { id } = await house.upload(await sampleImage({ width: 100, height: 100 }))
    await using foreign = await open(id, 'flip', { account: 'bob' })
    expect((await refusal(hear(foreign))).code).toBe('image_not_found')
  }, 30_000)

  test('of a picture that is damaged', async () => {
    const whole = await sampleImage({ width: 600, height: 400 })
    const { id } = await house.upload(whole.subarray(0, whole.length / 3))
    await using session = await open(id, 'flip')
    expect((await refusal(hear(session))).code).toBe('corrupt_image')
  }, 30_000)

  test('of which nobody says anything any more', async () => {
    const { id } = await house.upload(await sampleImage({ width: 100, height: 100 }))
    await using session = await open(id, 'flip')
    await shown(session, 0)
    const fault = await refusal(hear(session))
    expect(fault.report()).toMatchObject({
      code: 'deadline_exceeded',
      detail: 'Nothing was changed for 3 s.',
    })
    expect(await readdir(scratch.large)).toEqual([])
  }, 30_000)

  test('by somebody who speaks another version', async () => {
    const session = await house.fabric.sessions.open('preview', { of: 'old' }, AbortSignal.timeout(5000))
    await using _ = session
    expect((await refusal(session.next())).code).toBe('unavailable')
  }, 30_000)
})
