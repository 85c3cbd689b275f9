import { duration, integer, list, secret, text } from '@pixelflow/platform/config/setting'
import type { Values } from '@pixelflow/platform/config/read-settings'

const days = 86_400e3
const retention = { default: 7 * days, min: 60e3, max: 3650 * days }

/** The setting of the NATS servers, with the default of one kind of process. */
export function natsUrlSetting<D>(defaultUrls: D) {
  return list('NATS_URL', {
    default: defaultUrls,
    expects:
      'an address such as nats://127.0.0.1:4222 or tls://nats.example.com:4222, without user and password',
    pattern: /^(?:(?:nats|tls):\/\/)?[^\s/@]+$/,
    describeMismatch: (url) =>
      url.includes('@')
        ? 'contains a user or a password, which belong in PIXELFLOW_NATS_USER and PIXELFLOW_NATS_PASSWORD'
        : 'is not valid',
    help: 'Addresses of the NATS servers of one cluster.',
  })
}

/** Settings of the NATS connection and of the broker's layout. */
export const natsSettings = {
  natsUrl: natsUrlSetting<readonly string[]>(['nats://127.0.0.1:4222']),
  natsUser: text('PIXELFLOW_NATS_USER', {
    default: undefined,
    expects: 'a user name',
    help: 'User of the NATS server.',
  }),
  natsPassword: secret('PIXELFLOW_NATS_PASSWORD', {
    expects: 'a password',
    help: 'Password of that user.',
  }),
  natsCredsFile: text('PIXELFLOW_NATS_CREDS_FILE', {
    default: undefined,
    expects: 'the path of a NATS credentials file',
    help: 'Credentials file (JWT and seed), instead of user and password.',
  }),
  natsReplicas: integer('PIXELFLOW_NATS_REPLICAS', {
    default: 1,
    min: 1,
    max: 5,
    help: 'Copies of every stream in a NATS cluster; 3 survives the loss of a server.',
  }),
  taskRetentionMs: duration('PIXELFLOW_TASK_RETENTION', {
    ...retention,
    help: 'How long tasks and their events are kept after their last change.',
  }),
  imageRetentionMs: duration('PIXELFLOW_IMAGE_RETENTION', {
    ...retention,
    help: 'How long an uploaded image can be used; its bytes are deleted between one and two times that later.',
  }),
  resultRetentionMs: duration('PIXELFLOW_RESULT_RETENTION', {
    ...retention,
    help: 'How long the results of a task can be fetched.',
  }),
  idempotencyRetentionMs: duration('PIXELFLOW_IDEMPOTENCY_RETENTION', {
    default: 86_400e3,
    min: 1000,
    max: 3650 * days,
    help: 'How long the answer to a call with an Idempotency-Key is kept. Until then, the key must not be used for another call.',
  }),
  maxQueued: integer('PIXELFLOW_MAX_QUEUED', {
    default: 1_000_000,
    min: 1,
    max: 100_000_000,
    help: 'Largest number of queued jobs; further ones are refused with queue_full.',
  }),
}

export type NatsSettings = Values<typeof natsSettings>
