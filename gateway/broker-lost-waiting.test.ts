import { expect, test } from 'bun:test'
import type { Problem } from '@pixelflow/core/problem'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { settlesInTime, brokerFaults } from './testing/broker-faults.ts'
import { openTestGateway } from './testing/test-gateway.ts'

test.each(Object.entries(brokerFaults))(
  'a process call that waits for a task reports a broker that is %s',
  async (name, fault) => {
    // The image does not fit in memory, and no actor runs.
    await using gateway = await openTestGateway({ env: { PIXELFLOW_INLINE_MAX_BYTES: '1' } })
    const body = new Uint8Array(await sampleImage({ width: 64, height: 64 }))
    const headers = { 'content-type': 'image/jpeg' }
    const waiting = gateway.call('/api/v1/process?recipe=flip', { method: 'POST', headers, body })
    // The call waits for the task once its job is queued.
    await waitFor('job queued', async () => (await gateway.messages()).jobs)
    await fault.begin(gateway.nats)
    const answer = await settlesInTime(name, waiting)
    await fault.end(gateway.nats)
    expect(answer.status).toBe(503)
    const { code, remedy } = (await answer.json()) as Problem
    expect(code).toBe('unavailable')
    expect(remedy).toContain('The task ')
  },
  60_000,
)
