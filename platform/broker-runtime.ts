import { availableParallelism } from 'node:os'

/**
 * Settings of nats-server's Go runtime, for a broker that shares its machine with the image workers; the environment overrides
 * them. A quarter of the cores leaves the others to the workers, and the threads of the broker wake each other less often. With a
 * lower `GOGC` the broker holds less garbage, but each large image costs it more CPU time. docs/operating.md has the measurements.
 */
export function brokerRuntime(
  env: Readonly<Record<string, string | undefined>>,
  cores = availableParallelism(),
): { GOMAXPROCS: string; GOGC: string } {
  return {
    GOMAXPROCS: env['GOMAXPROCS'] ?? String(Math.max(1, Math.floor(cores / 4))),
    GOGC: env['GOGC'] ?? '200',
  }
}
