import { expect, test } from 'bun:test'
import { readSettings, redact } from '@pixelflow/platform/config/read-settings'
import { natsSettings } from './nats-settings.ts'

test('the settings have the defaults that are documented', () => {
  const values = readSettings(natsSettings, {})
  expect(redact(natsSettings, values)).toEqual({
    NATS_URL: 'nats://127.0.0.1:4222',
    PIXELFLOW_NATS_REPLICAS: '1',
    PIXELFLOW_TASK_RETENTION: '7d',
    PIXELFLOW_IMAGE_RETENTION: '7d',
    PIXELFLOW_RESULT_RETENTION: '7d',
    PIXELFLOW_IDEMPOTENCY_RETENTION: '1d',
    PIXELFLOW_MAX_QUEUED: '1000000',
  })
  expect(() => readSettings(natsSettings, { NATS_URL: 'http://x:1,nats://u:p@h:1' })).toThrow(
    'NATS_URL="http://x:1,nats://[redacted]@h:1" is not valid. Give an address such as',
  )
  expect(() => readSettings(natsSettings, { NATS_URL: 'nats://u:p@h:1' })).toThrow(
    'NATS_URL="nats://[redacted]@h:1" contains a user or a password, which belong in PIXELFLOW_NATS_USER and PIXELFLOW_NATS_PASSWORD.',
  )
})
