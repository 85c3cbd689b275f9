import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from './config.ts'

test('the defaults listen on loopback without tokens', () => {
  expect(readConfig({})).toMatchObject({
    httpPort: 3000,
    grpcPort: 50_051,
    host: '127.0.0.1',
    maxUploadBytes: 512 * 2 ** 20,
    maxPixels: 100_000_000,
    apiTokens: undefined,
  })
})

test('a public address requires tokens', () => {
  expect(() => readConfig({ PIXELFLOW_HOST: '0.0.0.0' })).toThrow('PIXELFLOW_HOST="0.0.0.0" can be reached')
  expect(() => readConfig({ PIXELFLOW_HOST: '::' })).toThrow('PIXELFLOW_API_TOKENS')
  const open = readConfig({ PIXELFLOW_HOST: '0.0.0.0', PIXELFLOW_API_TOKENS: 'ann:secret-of-ann' })
  expect(open.apiTokens?.findPrincipal('secret-of-ann')?.account).toBe('ann')
  expect(readConfig({ PIXELFLOW_HOST: 'localhost' }).host).toBe('localhost')
  expect(readConfig({ PIXELFLOW_HOST: '::1' }).host).toBe('::1')
})

test('the sweep grace is longer than the upload idle timeout', () => {
  expect(() => readConfig({ PIXELFLOW_SWEEP_GRACE: '119s' })).toThrow('below 2m')
  const idle = { PIXELFLOW_UPLOAD_IDLE_TIMEOUT: '195s' }
  expect(() => readConfig({ ...idle, PIXELFLOW_SWEEP_GRACE: '254s' })).toThrow(
    'PIXELFLOW_SWEEP_GRACE=254s is not a minute longer than PIXELFLOW_UPLOAD_IDLE_TIMEOUT=195s',
  )
  expect(readConfig({ ...idle, PIXELFLOW_SWEEP_GRACE: '255s' }).sweepGraceMs).toBe(255_000)
})

test('tokens can be read from a file, one per line', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-config-'))
  const file = join(folder, 'tokens')
  await Bun.write(file, '# people\nann:secret-of-ann\nbob:secret-of-bob\n')
  const { apiTokens } = readConfig({ PIXELFLOW_API_TOKENS_FILE: file })
  expect(apiTokens?.findPrincipal('secret-of-bob')?.account).toBe('bob')
  await rm(folder, { recursive: true })
})

test('values that contradict each other are reported together', () => {
  const read = () =>
    readConfig({
      PIXELFLOW_HOST: '0.0.0.0',
      PIXELFLOW_GRPC_PORT: '3000',
      PIXELFLOW_CORS_ORIGINS: '*',
      PIXELFLOW_TLS_KEY_FILE: 'key.pem',
    })
  expect(read).toThrow(
    /^PIXELFLOW_TLS_KEY_FILE[^]*\nPIXELFLOW_HOST[^]*\nPIXELFLOW_GRPC_PORT[^]*\nPIXELFLOW_CORS_ORIGINS/,
  )
})

test('all invalid values are reported together, without tokens', () => {
  const wrong = () =>
    readConfig({
      PIXELFLOW_HTTP_PORT: '70000',
      PIXELFLOW_MAX_PIXELS: 'many',
      PIXELFLOW_API_TOKENS: 'ann=s3cret',
    })
  expect(wrong).toThrow(/PIXELFLOW_HTTP_PORT[^]*PIXELFLOW_API_TOKENS[^]*PIXELFLOW_MAX_PIXELS/)
  expect(wrong).not.toThrow('s3cret')
  expect(() => readConfig({ PIXELFLOW_GRPC_PORT: '3000' })).toThrow('is also PIXELFLOW_HTTP_PORT')
})
