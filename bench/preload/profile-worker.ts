import * as jsc from 'bun:jsc'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { addTraces, renderHotFunctions, type StackTraces } from './hot-functions.ts'

/**
 * Preloaded into workers by the benchmark only. Workers are killed and never exit, so the profile that Bun writes at the exit would be
 * missing: this writes the hot functions of the main thread to BENCH_OUTPUT_DIR every two seconds.
 */
const everyMs = 2000
const samples = new Map<string, number>()
jsc.startSamplingProfiler()
/** The types of Bun lack this function. */
const { samplingProfilerStackTraces } = jsc as unknown as { samplingProfilerStackTraces(): StackTraces }
setInterval(() => {
  addTraces(samples, samplingProfilerStackTraces())
  const path = join(process.env['BENCH_OUTPUT_DIR'] ?? '', `worker-${process.pid}.md`)
  writeFileSync(path, renderHotFunctions(samples))
}, everyMs).unref()
