import { join } from 'node:path'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { findBundle, type ServiceName } from './find-bundle.ts'

/** The entry points of the services. */
export type ServiceEntries = Readonly<Record<ServiceName, string>>

/**
 * Finds the bundles of the services, and builds those whose sources have changed. A service whose bundle cannot be built, for
 * example because the checkout is read-only, runs from its sources.
 */
export async function prepareServices(
  root: string,
  flags: readonly string[],
  log: Logger,
): Promise<ServiceEntries> {
  const prepare = async (service: ServiceName) => {
    const found = await findBundle(root, service)
    if (found !== undefined) return found
    await build(service)
    return (await findBundle(root, service)) ?? join(root, service, 'main.ts')
  }
  const build = async (service: ServiceName) => {
    const command = [process.execPath, ...flags, join(import.meta.dir, 'build-service.ts'), root, service]
    const builder = Bun.spawn(command, { stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' })
    const [output, exitCode] = await Promise.all([builder.stderr.text(), builder.exited])
    if (exitCode === 0) log.debug('bundle of a service built', { service })
    else log.warn('service runs from its sources; bundle not built', { service, output: output.slice(-2000) })
  }
  const [gateway, actors] = await Promise.all([prepare('gateway'), prepare('actors')])
  return { gateway, actors }
}
