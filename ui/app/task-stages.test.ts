import { describe, expect, test } from 'bun:test'
import type { EventView } from '@pixelflow/core/views'
import { deriveStages } from './task-stages.ts'

let clock = 0

function event(kind: EventView['kind'], afterMs: number, output?: string): EventView {
  clock += afterMs
  const at = new Date(Date.UTC(2026, 10, 21) + clock).toISOString()
  return { kind, at, ...(output === undefined ? {} : { output }), task: {} as EventView['task'] }
}

const brief = (stages: ReturnType<typeof deriveStages>) =>
  stages.map(
    ({ label, state, durationMs }) => `${label} ${state}${durationMs === null ? '' : ` ${durationMs}`}`,
  )

const upload = { sentBytes: 5, totalBytes: 5, durationMs: 120 }

describe('deriveStages', () => {
  test('shows the upload as active and all later stages as pending', () => {
    const sending = { sentBytes: 2, totalBytes: 5, durationMs: null }
    expect(
      brief(deriveStages({ phase: 'uploading', upload: sending, events: [], outputs: ['default'] })),
    ).toEqual([
      'Upload active',
      'Queued pending',
      'Started pending',
      'Fetched pending',
      'Decoded pending',
      'Encoded pending',
      'Done pending',
    ])
  })

  test('measures each stage from the end of the previous one', () => {
    const events = [event('queued', 0), event('started', 8), event('fetched', 5), event('decoded', 40)]
    expect(brief(deriveStages({ phase: 'active', upload, events, outputs: ['small', 'large'] }))).toEqual([
      'Upload done 120',
      'Queued done',
      'Started done 8',
      'Fetched done 5',
      'Decoded done 40',
      'small active',
      'large pending',
      'Done pending',
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
      brief(deriveStages({ phase: 'active', upload: null, events, outputs: ['default'] })).slice(0, 4),
    ).toEqual(['Queued done', 'Started done 703', 'Fetched done 3', 'Decoded active'])
  })

  test('marks the stage at which the task failed or was cancelled', () => {
    const events = [event('queued', 0), event('started', 1), event('fetched', 1), event('failed', 9)]
    const at = (phase: 'failed' | 'cancelled') =>
      deriveStages({ phase, upload: null, events, outputs: ['default'] }).find((one) => one.key === 'decoded')
        ?.state
    expect([at('failed'), at('cancelled')]).toEqual(['failed', 'cancelled'])
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
    const stages = deriveStages({ phase: 'completed', upload: null, events, outputs: ['default'] })
    expect(stages.every((one) => one.state === 'done')).toBe(true)
    expect(brief(stages).slice(-2)).toEqual(['Encoded done 9', 'Done done 2'])
  })
})
