import { afterEach, describe, expect, test } from 'bun:test'
import { closeCodes } from '@pixelflow/core/tune/tune-protocol'
import { fail, fault, obliging, openLive, say, size, until, type Answer } from './testing/scripted.ts'

let scope = new AsyncDisposableStack()
afterEach(async () => {
  await scope.disposeAsync()
  scope = new AsyncDisposableStack()
})

const open = (answer: Answer, options?: Parameters<typeof openLive>[2]) => openLive(scope, answer, options)

describe('the live preview of an image', () => {
  test('uploads the image once, and shows a preview for every change of the recipe', async () => {
    const { live, recipes, said, uploads, drawn, states } = await open(obliging)
    await until(() => live.preview.value !== null)
    expect(states).toEqual(['off', 'sending', 'opening', 'live'])
    expect(live.preview.value).toMatchObject({ output: 'default', ...size })
    recipes.write('resize:90')
    recipes.write('resize:80/blur')
    expect(live.isBehind.value).toBe(true)
    await until(() => !live.isBehind.value)
    expect(uploads).toEqual(['POST /api/v1/images'])
    expect(said.map((one) => one.type)).toEqual(['open', 'change', 'change'])
    expect(said.at(-1)).toMatchObject({ sequence: 2, recipe: { steps: [{ width: 80 }, { op: 'blur' }] } })
    expect(drawn.at(-1)).toBe('\u0002')
  })

  test('revokes the object URL of the previous preview', async () => {
    const { live, recipes } = await open(obliging)
    await until(() => live.preview.value !== null)
    const first = live.preview.value?.url ?? ''
    recipes.write('resize:90')
    await until(() => live.preview.value?.url !== first)
    await expect(fetch(first)).rejects.toThrow()
  })

  test('uploads an image that the server has only if it has expired there', async () => {
    const { live, uploads, said } = await open(
      (socket, one, count) => (count === 1 ? fail(socket, 'image_not_found') : obliging(socket, one, count)),
      { imageId: 'old' },
    )
    await until(() => live.state.value === 'live')
    expect(uploads).toHaveLength(1)
    expect(said.map((one) => one.type === 'open' && one.image)).toEqual(['old', 'image-1'])
  })

  test('opens no session for an image with a result until the recipe changes', async () => {
    const { live, recipes, isSettled, said } = await open(obliging, { wanted: false })
    isSettled.value = true
    live.turn(true)
    await Bun.sleep(30)
    expect([live.state.value, said.length]).toEqual(['resting', 0])
    isSettled.value = false
    recipes.write('resize:90')
    await until(() => live.state.value === 'live')
  })

  test('ends its session when the image is replaced and when the page is left', async () => {
    const { live, current, page, sockets } = await open(obliging)
    await until(() => live.preview.value !== null)
    page.dispatchEvent(new Event('pagehide'))
    await until(() => sockets() === 0)
    page.dispatchEvent(new Event('pageshow'))
    await until(() => live.preview.value !== null)
    current.value = null
    expect([live.state.value, live.preview.value]).toEqual(['off', null])
    await until(() => sockets() === 0)
  })
})

describe('a recipe that the server refuses', () => {
  test('is reported at its field, and the last valid preview stays', async () => {
    const { live, recipes } = await open((socket, one, count) => {
      if (one.type !== 'change' || one.sequence !== 1) return obliging(socket, one, count)
      const place = { field: 'steps[0].width' }
      say(socket, { type: 'refused', sequence: 1, fault: fault('processing_failed', place) })
    })
    await until(() => live.preview.value !== null)
    const good = live.preview.value
    recipes.write('resize:90')
    await until(() => live.refused.value !== null)
    expect(recipes.problems.value).toMatchObject([
      { parameter: 'width', message: 'It is processing_failed.' },
    ])
    expect(live.preview.value).toBe(good)
    expect(live.isBehind.value).toBe(false)
    recipes.write('resize:80')
    await until(() => live.refused.value === null)
    expect(recipes.problems.value).toEqual([])
  })

  test('is not reported when a newer change has replaced it', async () => {
    const { live, recipes } = await open((socket, one, count) => {
      if (one.type === 'change' && one.sequence === 1) return
      if (one.type === 'change')
        say(socket, { type: 'refused', sequence: 1, fault: fault('processing_failed') })
      obliging(socket, one, count)
    })
    await until(() => live.preview.value !== null)
    recipes.write('resize:90')
    recipes.write('resize:80')
    await until(() => !live.isBehind.value)
    expect(live.refused.value).toBeNull()
  })
})

describe('without an actor', () => {
  test('reports that previews are unavailable, and starts when an actor appears', async () => {
    const { live, states } = await open((socket, one, count) => {
      if (count < 3) fail(socket, 'unavailable', closeCodes.tryLater)
      else obliging(socket, one, count)
    })
    await until(() => live.state.value === 'live')
    expect(states).toEqual(['off', 'sending', 'opening', 'absent', 'live'])
  })

  test('reports the reason', async () => {
    const { live } = await open((socket) => fail(socket, 'unavailable', closeCodes.tryLater), {
      pauseMs: 5000,
    })
    await until(() => live.state.value === 'absent')
    expect(live.why.value).toBe('Previews are not available now.')
  })

  test('does not retry for an image that the server refuses', async () => {
    const { live, said } = await open((socket) => fail(socket, 'corrupt_image'))
    await until(() => live.state.value === 'absent')
    await Bun.sleep(60)
    expect(said).toHaveLength(1)
    expect(live.why.value).toBe('It is corrupt_image.')
  })
})

describe('a session that ends', () => {
  test('because its gateway stopped is reopened with the current recipe', async () => {
    const { live, recipes, said, states } = await open((socket, one, count) => {
      obliging(socket, one, count)
      if (count === 1 && one.type === 'change') fail(socket, 'unavailable', closeCodes.restart)
    })
    await until(() => live.preview.value !== null)
    recipes.write('resize:90')
    await until(() => said.length === 3 && live.state.value === 'live')
    expect(states).toEqual(['off', 'sending', 'opening', 'live', 'lost', 'live'])
    expect(said.at(-1)).toMatchObject({ type: 'open', recipe: { steps: [{ width: 90 }] } })
  })

  test('because it was idle is reopened by the next change', async () => {
    const { live, recipes, said } = await open((socket, one, count) => {
      obliging(socket, one, count)
      if (count === 1) fail(socket, 'deadline_exceeded')
    })
    await until(() => live.state.value === 'resting')
    await Bun.sleep(50)
    expect(said).toHaveLength(1)
    recipes.write('resize:90')
    await until(() => live.state.value === 'live')
    expect(said).toHaveLength(2)
  })
})

describe('the switch', () => {
  test('is stored, and disables all requests while it is off', async () => {
    const { live, uploads, kept } = await open(obliging, { wanted: false })
    await Bun.sleep(30)
    expect([live.state.value, uploads.length]).toEqual(['off', 0])
    live.turn(true)
    await until(() => live.state.value === 'live')
    expect(kept.size).toBe(0)
    live.turn(false)
    expect([live.preview.value, kept.get('pixelflow.live')]).toEqual([null, 'off'])
  })
})
