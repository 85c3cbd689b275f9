import { expect, test } from 'bun:test'
import { Fault } from '@pixelflow/core/fault'
import { createLogger, type LoggerOptions } from './logger.ts'

function recorded(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = []
  const log = createLogger({ service: 'test', format: 'json', write: (line) => lines.push(line), ...options })
  return { log, lines, records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

test('each line is one JSON object with the bound fields', () => {
  const { log, lines, records } = recorded()
  log.child({ task: 't1' }).child({ attempt: 2 }).info('started', { ms: 12, pid: undefined })
  log.warn('two\nlines')
  expect(lines.every((line) => line.endsWith('\n') && line.split('\n').length === 2)).toBe(true)
  const [first, second] = records()
  expect(Object.keys(first ?? {})).toEqual(['time', 'level', 'service', 'msg', 'task', 'attempt', 'ms'])
  expect(first).toMatchObject({
    level: 'info',
    service: 'test',
    msg: 'started',
    task: 't1',
    attempt: 2,
    ms: 12,
  })
  expect(Date.parse(String(first?.['time']))).toBeGreaterThan(0)
  expect(second).toMatchObject({ level: 'warn', msg: 'two\nlines' })
})

test('lines below the level are not written', () => {
  const { log, lines } = recorded({ level: 'warn' })
  log.debug('a')
  log.info('b')
  log.error('c')
  expect(lines).toHaveLength(1)
  expect(log.enabled('info')).toBe(false)
  expect(log.enabled('error')).toBe(true)
})

test('secrets are never written, by name or within an address', () => {
  const { log, lines } = recorded()
  log.info('hello', {
    apiToken: 's3cr3t',
    headers: { authorization: 'Bearer s3cr3t', accept: '*/*' },
    url: 'nats://pixelflow:s3cr3t@127.0.0.1:4222',
    error: new Error('cannot reach nats://a:s3cr3t@host'),
  })
  expect(lines[0]).not.toContain('s3cr3t')
  expect(lines[0]).toContain('"accept":"*/*"')
  expect(lines[0]).toContain('127.0.0.1:4222')
})

test('errors keep code and cause', () => {
  const { log, records } = recorded()
  const cause = new TypeError('the socket went away')
  log.error('failed', { error: new Fault('storage_failed', 'No answer.', { remedy: 'Wait.', cause }) })
  expect(records()[0]?.['error']).toMatchObject({
    name: 'Fault',
    code: 'storage_failed',
    message: 'No answer.',
    hints: { remedy: 'Wait.' },
    cause: { name: 'TypeError', message: 'the socket went away' },
  })
})

test('fields that are too deep, too long or not serialisable are cut', () => {
  const { log, lines, records } = recorded()
  const loop: Record<string, unknown> = { big: 1n, bytes: new Uint8Array(9), text: 'x'.repeat(10_000) }
  loop['self'] = loop
  log.info('deep', loop)
  expect(lines[0]?.length).toBeLessThan(40_000)
  expect(records()[0]).toMatchObject({ big: '1', bytes: '[9 bytes]' })
})

test('the pretty format is readable', () => {
  const { log, lines } = recorded({ format: 'pretty' })
  log.info('ready', { url: 'http://localhost:3000', note: 'two words', error: new Error('no') })
  expect(lines[0]).toContain('ready')
  expect(Bun.stripANSI(lines[0] ?? '')).toMatch(
    /^[\d:.]{12} info {2}test ready url=http:\/\/localhost:3000 note="two words" error="no"\n/,
  )
})

test('lines reach a pipe complete, also right before the exit', async () => {
  const script = `
    import { createLogger } from ${JSON.stringify(`${import.meta.dir}/logger.ts`)}
    const log = createLogger({ service: 'child' })
    for (let i = 0; i < 5000; i++) log.info('line', { i })
    process.exit(0)`
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'inherit' })
  const lines = (await child.stdout.text()).trim().split('\n')
  const written = lines.map((line) => JSON.parse(line) as { i: number })
  expect(written.map((one) => one.i)).toEqual(Array.from({ length: 5000 }, (_, i) => i))
})

test('a warning is written at once, with the lines before it', async () => {
  const script = `
    import { createLogger } from ${JSON.stringify(new URL('./logger.ts', import.meta.url).pathname)}
    const log = createLogger({ service: 'test', format: 'json' })
    log.info('first')
    log.warn('second')
    process.kill(process.pid, 'SIGKILL')`
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'inherit' })
  const lines = (await child.stdout.text()).trim().split('\n')
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['first', 'second'])
})
