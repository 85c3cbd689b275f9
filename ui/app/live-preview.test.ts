import { afterEach, describe, expect, test } from 'bun:test'
import { closeCodes } from '@pixelflow/core/tune/tune-protocol'
import type { LivePreview, LivePreviewState } from './live-preview.ts'
import { stays, waitFor } from '@pixelflow/testkit/wait-for'
import {
  closeWithFault,
  createFault,
  openLivePreview,
  respondWithPreviews,
  send,
  size,
  type Respond,
} from './testing/open-live-preview.ts'

let scope = new AsyncDisposableStack()
afterEach(async () => {
  await scope.disposeAsync()
  scope = new AsyncDisposableStack()
})

const open = (respond: Respond, options?: Parameters<typeof openLivePreview>[2]) =>
  openLivePreview(scope, respond, options)

const waitForState = (live: LivePreview, state: LivePreviewState) =>
  waitFor(
    'state of the live preview',
    () => live.state.value,
    (value) => value === state,
  )

describe('the live preview of an image', () => {
  test('uploads the image once, and shows a preview for every change of the recipe', async () => {
    const { live, editor, messages, uploads, decoded, states } = await open(respondWithPreviews)
    await waitFor('preview shown', () => live.preview.value)
    expect(states).toEqual(['off', 'uploading', 'opening', 'live'])
    expect(live.preview.value).toMatchObject({ output: 'default', ...size })
    editor.writeText('resize:90')
    editor.writeText('resize:80/blur')
    expect(live.isBehind.value).toBe(true)
    await waitFor(
      'latest change answered',
      () => live.isBehind.value,
      (isBehind) => !isBehind,
    )
    expect(uploads).toEqual(['POST /api/v1/images'])
    expect(messages.map((message) => message.type)).toEqual(['open', 'change', 'change'])
    expect(messages.at(-1)).toMatchObject({ sequence: 2, recipe: { steps: [{ width: 80 }, { op: 'blur' }] } })
    expect(decoded.at(-1)).toBe('\u0002')
  })

  test('revokes the object URL of the previous preview', async () => {
    const { live, editor } = await open(respondWithPreviews)
    await waitFor('preview shown', () => live.preview.value)
    const first = live.preview.value?.url ?? ''
    editor.writeText('resize:90')
    await waitFor(
      'next preview shown',
      () => live.preview.value?.url,
      (url) => url !== first,
    )
    await expect(fetch(first)).rejects.toThrow()
  })

  test('uploads an image that the server has only if it has expired there', async () => {
    const { live, uploads, messages } = await open(
      (socket, message, opens) =>
        opens === 1 ? closeWithFault(socket, 'image_not_found') : respondWithPreviews(socket, message, opens),
      { imageId: 'old' },
    )
    await waitForState(live, 'live')
    expect(uploads).toHaveLength(1)
    expect(messages.map((message) => message.type === 'open' && message.image)).toEqual(['old', 'image-1'])
  })

  test('opens no session for an image with a result until the recipe changes', async () => {
    const { live, editor, isTaskUpToDate, messages } = await open(respondWithPreviews, { isEnabled: false })
    isTaskUpToDate.value = true
    live.setEnabled(true)
    await stays('no session', () => live.state.value === 'idle' && messages.length === 0, 30)
    isTaskUpToDate.value = false
    editor.writeText('resize:90')
    await waitForState(live, 'live')
  })

  test('ends its session when the image is replaced and when the page is left', async () => {
    const { live, current, page, sockets } = await open(respondWithPreviews)
    await waitFor('preview shown', () => live.preview.value)
    page.dispatchEvent(new Event('pagehide'))
    await waitFor('session closed', sockets, (open) => open === 0)
    page.dispatchEvent(new Event('pageshow'))
    await waitFor('preview shown', () => live.preview.value)
    current.value = null
    expect([live.state.value, live.preview.value]).toEqual(['off', null])
    await waitFor('session closed', sockets, (open) => open === 0)
  })
})

describe('a recipe that the server refuses', () => {
  test('is reported at its field, and the last valid preview stays', async () => {
    const { live, editor } = await open((socket, message, opens) => {
      if (message.type !== 'change' || message.sequence !== 1)
        return respondWithPreviews(socket, message, opens)
      const place = { field: 'steps[0].width' }
      send(socket, { type: 'refused', sequence: 1, fault: createFault('processing_failed', place) })
    })
    await waitFor('preview shown', () => live.preview.value)
    const good = live.preview.value
    editor.writeText('resize:90')
    await waitFor('refusal shown', () => live.refusalReason.value)
    expect(editor.problems.value).toMatchObject([{ parameter: 'width', message: 'It is processing_failed.' }])
    expect(live.preview.value).toBe(good)
    expect(live.isBehind.value).toBe(false)
    editor.writeText('resize:80')
    await waitFor(
      'refusal removed',
      () => live.refusalReason.value,
      (reason) => reason === null,
    )
    expect(editor.problems.value).toEqual([])
  })

  test('is not reported when a newer change has replaced it', async () => {
    const { live, editor } = await open((socket, message, opens) => {
      if (message.type === 'change' && message.sequence === 1) return
      if (message.type === 'change')
        send(socket, { type: 'refused', sequence: 1, fault: createFault('processing_failed') })
      respondWithPreviews(socket, message, opens)
    })
    await waitFor('preview shown', () => live.preview.value)
    editor.writeText('resize:90')
    editor.writeText('resize:80')
    await waitFor(
      'latest change answered',
      () => live.isBehind.value,
      (isBehind) => !isBehind,
    )
    expect(live.refusalReason.value).toBeNull()
  })
})

describe('without an actor', () => {
  test('reports that previews are unavailable, and starts when an actor appears', async () => {
    const { live, states } = await open((socket, message, opens) => {
      if (opens < 3) closeWithFault(socket, 'unavailable', closeCodes.tryLater)
      else respondWithPreviews(socket, message, opens)
    })
    await waitForState(live, 'live')
    expect(states).toEqual(['off', 'uploading', 'opening', 'unavailable', 'live'])
  })

  test('reports the reason', async () => {
    const { live } = await open((socket) => closeWithFault(socket, 'unavailable', closeCodes.tryLater), {
      pauseMs: 5000,
    })
    await waitForState(live, 'unavailable')
    expect(live.unavailableReason.value).toBe('Previews are not available now. The page keeps trying.')
  })

  test('does not retry for an image that the server refuses', async () => {
    const { live, messages } = await open((socket) => closeWithFault(socket, 'corrupt_image'))
    await waitForState(live, 'unavailable')
    await stays('no second session', () => messages.length === 1, 60)
    expect(live.unavailableReason.value).toBe('It is corrupt_image.')
  })
})

describe('a session that ends', () => {
  test('because its gateway stopped is reopened with the current recipe', async () => {
    const { live, editor, messages, states } = await open((socket, message, opens) => {
      respondWithPreviews(socket, message, opens)
      if (opens === 1 && message.type === 'change') closeWithFault(socket, 'unavailable', closeCodes.restart)
    })
    await waitFor('preview shown', () => live.preview.value)
    editor.writeText('resize:90')
    await waitFor(
      'session reopened',
      () => messages.length,
      (count) => count === 3,
    )
    await waitForState(live, 'live')
    expect(states).toEqual(['off', 'uploading', 'opening', 'live', 'reconnecting', 'live'])
    expect(messages.at(-1)).toMatchObject({ type: 'open', recipe: { steps: [{ width: 90 }] } })
  })

  test('because it was idle is reopened by the next change', async () => {
    const { live, editor, messages } = await open((socket, message, opens) => {
      respondWithPreviews(socket, message, opens)
      if (opens === 1) closeWithFault(socket, 'deadline_exceeded')
    })
    await waitForState(live, 'idle')
    await stays('no second session', () => messages.length === 1, 50)
    editor.writeText('resize:90')
    await waitForState(live, 'live')
    expect(messages).toHaveLength(2)
  })
})

describe('the switch', () => {
  test('is stored, and disables all requests while it is off', async () => {
    const { live, uploads, stored } = await open(respondWithPreviews, { isEnabled: false })
    await stays('no upload', () => live.state.value === 'off' && uploads.length === 0, 30)
    live.setEnabled(true)
    await waitForState(live, 'live')
    expect(stored.size).toBe(0)
    live.setEnabled(false)
    expect([live.preview.value, stored.get('pixelflow.live')]).toEqual([null, 'off'])
  })
})
