import { describe, expect, test } from 'bun:test'
import type { EventView } from '@pixelflow/core/views'
import { flowOf } from './flow.ts'

let clock = 0

function event(kind: EventView['kind'], afterMs: number, output?: string): EventView {
  clock += afterMs
  const at = new Date(Date.UTC(2026, 10, 21) + clock).toISOString()
  return { kind, at, ...(output === undefined ? {} : { output }), task: {} as EventView['task'] }
}

const brief = (stages: ReturnType<typeof flowOf>) =>
  stages.map(({ label, state, tookMs }) => `${label} ${state}${tookMs === null ? '' : ` ${tookMs}`}`)

const upload = { sentBytes: 5, totalBytes: 5, tookMs: 120 }

describe('flowOf', () => {
  test('shows the upload as active and all later stages as waiting', () => {
    const sending = { sentBytes: 2, totalBytes: 5, tookMs: null }
    expect(brief(flowOf({ phase: 'uploading', upload: sending, events: [], outputs: ['default'] }))).toEqual([
      'Upload now',
      'Queued waiting',
      'Started waiting',
      'Fetched waiting',
      'Decoded waiting',
      'Encoded waiting',
      'Done waiting',
    ])
  })

  test('measures each stage from the end of the previous one', () => {
    const events = [event('queued', 0), event('started', 8), event('fetched', 5), event('decoded', 40)]
    expect(brief(flowOf({ phase: 'active', upload, events, outputs: ['small', 'large'] }))).toEqual([
      'Upload done 120',
      'Queued done',
      'Started done 8',
      'Fetched done 5',
      'Decoded done 40',
      'small now',
      'large waiting',
      'Done waiting',
    ])
  })

  test('starts again with every attempt', () => {
    const events = [
      event('queued', 0),
      event('started', 1),
      event('fetched', 1),
      event('decoded', 1),
      event('started', 700),
      event('fetched', 3),
    ]
    expect(
      brief(flowOf({ phase: 'active', upload: null, events, outputs: ['default'] })).slice(0, 4),
    ).toEqual(['Queued done', 'Started done 703', 'Fetched done 3', 'Decoded now'])
  })

  test('marks the stage at which the task failed or was cancelled', () => {
    const events = [event('queued', 0), event('started', 1), event('fetched', 1), event('failed', 9)]
    const at = (phase: 'failed' | 'cancelled') =>
      flowOf({ phase, upload: null, events, outputs: ['default'] }).find((one) => one.key === 'decoded')
        ?.state
    expect([at('failed'), at('cancelled')]).toEqual(['failed', 'stopped'])
  })

  test('marks every stage as done when the task is completed', () => {
    const events = [
      event('queued', 0),
      event('started', 1),
      event('fetched', 1),
      event('decoded', 1),
      event('output', 9, 'default'),
      event('completed', 2),
    ]
    const stages = flowOf({ phase: 'completed', upload: null, events, outputs: ['default'] })
    expect(stages.every((one) => one.state === 'done')).toBe(true)
    expect(brief(stages).slice(-2)).toEqual(['Encoded done 9', 'Done done 2'])
  })
})
