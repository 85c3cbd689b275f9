/**
 * Preloaded into an actor by the benchmark only: its workers, which get no environment of the actor otherwise, start with the options
 * of Bun in BENCH_WORKER_OPTIONS and know the output folder BENCH_OUTPUT_DIR.
 */
const spawn = Bun.spawn
const { BENCH_WORKER_OPTIONS: workerOptions, BENCH_OUTPUT_DIR: outputDir } = process.env
/** The options of this process are not those of its children. */
delete process.env['BUN_OPTIONS']

const spawnWithOptions = (
  command: string[],
  options: { ipc?: unknown; env?: Record<string, string> } = {},
) => {
  // Only workers have a channel to the actor.
  if (options.ipc === undefined || workerOptions === undefined || outputDir === undefined)
    return spawn(command, options as Parameters<typeof spawn>[1])
  const env = {
    ...options.env,
    BUN_OPTIONS: workerOptions,
    BENCH_OUTPUT_DIR: outputDir,
    BENCH_ROLE: 'workers',
  }
  return spawn(command, { ...options, env } as Parameters<typeof spawn>[1])
}
Bun.spawn = spawnWithOptions as typeof spawn
