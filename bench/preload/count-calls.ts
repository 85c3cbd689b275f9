import { plugin } from 'bun'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CallCounts } from './call-counts.ts'

/**
 * Preloaded into processes by the benchmark only: counts calls that cost time, and writes the counts to a file of BENCH_OUTPUT_DIR four times
 * a second. It slows the process down, so times are measured without it.
 */
const everyMs = 250
const counts = { jsonCalls: 0, jsonCharacters: 0, schemaParses: 0, timers: 0, hashUpdates: 0, hashedBytes: 0 }
declare global {
  /** Called by the instrumented zod. */
  var benchCountParse: <T>(internals: T) => T
}
globalThis.benchCountParse = (internals) => {
  counts.schemaParses += 1
  return internals
}

const { parse, stringify } = JSON
JSON.parse = (text: string, ...rest) => {
  counts.jsonCalls += 1
  counts.jsonCharacters += text.length
  return parse(text, ...rest) as unknown
}
JSON.stringify = ((value: unknown, ...rest: []) => {
  const text = stringify(value, ...rest)
  counts.jsonCalls += 1
  counts.jsonCharacters += text?.length ?? 0
  return text
}) as typeof stringify

const { setTimeout: startTimeout, setInterval: startInterval } = globalThis
const counted = <F extends (...args: never[]) => unknown>(start: F): F =>
  ((...args: Parameters<F>) => {
    counts.timers += 1
    return start(...args)
  }) as F
globalThis.setTimeout = Object.assign(counted(startTimeout), startTimeout)
globalThis.setInterval = Object.assign(counted(startInterval), startInterval)

// oxlint-disable-next-line typescript/unbound-method -- called with the hasher
const { update } = Bun.CryptoHasher.prototype
Bun.CryptoHasher.prototype.update = function count(data, ...rest) {
  counts.hashUpdates += 1
  counts.hashedBytes +=
    typeof data === 'string' ? data.length : data instanceof Blob ? data.size : data.byteLength
  return update.call(this, data, ...rest)
}

plugin({
  name: 'count-parses',
  setup(build) {
    build.onLoad({ filter: /\/zod\/v4\/core\/parse\.js$/ }, async ({ path }) => {
      const text = await Bun.file(path).text()
      return {
        contents: text.replaceAll('schema._zod.run(', 'benchCountParse(schema._zod).run('),
        loader: 'js',
      }
    })
  },
})

const path = join(
  process.env['BENCH_OUTPUT_DIR'] ?? '',
  `${process.env['BENCH_ROLE'] ?? 'other'}-${process.pid}.json`,
)
startInterval(() => {
  const report: CallCounts = { ...counts, at: Date.now() }
  writeFileSync(`${path}.new`, stringify(report))
  renameSync(`${path}.new`, path)
}, everyMs).unref()
