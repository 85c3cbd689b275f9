import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@pixelflow/testkit/port'
import { readConfig } from '../config.ts'
import { tryLock } from '../lock.ts'
import { locateServer } from './locate-server.ts'
import { upFiles } from './up-files.ts'

let dataDir: string
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'pixelflow-locate-'))
})
afterAll(() => rm(dataDir, { recursive: true, force: true }))

async function locate(env: Record<string, string> = {}, server?: string) {
  const config = readConfig({ PIXELFLOW_DATA_DIR: dataDir, ...env })
  return locateServer({ config, server, signal: AbortSignal.timeout(10_000) })
}

test('a running up of the data folder is found at its port, unless another address is given', async () => {
  const usual = 'http://127.0.0.1:3000'
  expect((await locate()).url).toBe(usual)
  const files = upFiles(dataDir)
  const url = `http://127.0.0.1:${await freePort()}`
  const startedAt = new Date().toISOString()
  await files.write({ pid: process.pid, url, grpc: '127.0.0.1:7', temporary: false, startedAt })
  expect((await locate()).url).toBe(usual)

  using _ = tryLock(files.upLock, 'exclusive')
  expect(await locate()).toEqual({ url, grpc: '127.0.0.1:7' })
  expect(await locate({ PIXELFLOW_URL: usual })).toEqual({ url: usual, grpc: undefined })
  expect(await locate({}, 'https://a.example')).toEqual({ url: 'https://a.example', grpc: undefined })
  expect(await locate({}, url)).toEqual({ url, grpc: '127.0.0.1:7' })
})
