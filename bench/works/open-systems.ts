import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startStack } from '@pixelflow/testkit/stack'
import { startAlternative, type AlternativeRuntime } from '../alternative/start-alternative.ts'
import { descendantsOf, processAlone, processTree } from '../measure-cpu.ts'
import { openPlainStore } from '../plain-store.ts'
import type { Observation } from '../preload/observation.ts'
import { processStoredImage } from '../process-stored-image.ts'
import { resizeWithSharp } from '../resize-with-sharp.ts'
import type { System, SystemName } from './system.ts'

/** Tasks that a client keeps in flight with a server. */
const inFlight = 4

/**
 * Starts the systems, each with fresh processes, so that the first tasks of a work are those of a cold system.
 * @param width width of the results in pixels
 * @param observe the environment with which the processes of a system of PixelFlow are observed
 */
export async function openSystems(
  names: readonly SystemName[],
  width: number,
  observe: (name: SystemName) => Observation = () => ({ gateway: {}, actor: {} }),
): Promise<{ systems: System[] } & AsyncDisposable> {
  await using scope = new AsyncDisposableStack()
  const recipe = `resize:${width}`
  const openPixelFlow = async (name: SystemName, env: Record<string, string> = {}): Promise<System> => {
    const stack = scope.use(
      await startStack({ env: { PIXELFLOW_LOG_LEVEL: 'info', ...env }, hasSharedCache: true }),
    )
    const observation = observe(name)
    const [gateway, actor] = await Promise.all([
      stack.gateway({ env: observation.gateway }),
      stack.actor({ env: observation.actor }),
    ])
    return {
      name,
      inFlight,
      servers: {
        gateway: processTree(gateway.pid),
        actor: processAlone(actor.pid),
        workers: descendantsOf(actor.pid),
        'nats-server': processTree(stack.nats.pid),
      },
      run: (source) => processStoredImage(gateway.url, source, recipe),
    }
  }
  const openAlternative = async (name: SystemName, runtime: AlternativeRuntime): Promise<System> => {
    const { url, pids } = scope.use(await startAlternative(runtime))
    const servers = Object.entries(pids).map(([process, pid]) => [process, processTree(pid)])
    return {
      name,
      inFlight,
      servers: Object.fromEntries(servers) as System['servers'],
      run: (source) => processStoredImage(url, source, recipe),
    }
  }
  const open: Readonly<Record<SystemName, () => Promise<System>>> = {
    pixelflow: () => openPixelFlow('pixelflow'),
    async 'pixelflow-traced'() {
      const folder = await mkdtemp(join(tmpdir(), 'pixelflow-traces-'))
      scope.defer(() => rm(folder, { recursive: true, force: true }))
      return openPixelFlow('pixelflow-traced', { PIXELFLOW_TRACE_RING_DIR: folder })
    },
    async sharp() {
      return {
        name: 'sharp',
        inFlight: availableParallelism(),
        servers: {},
        run: async (source) => void (await resizeWithSharp(source, width)),
      }
    },
    async stored() {
      const stack = scope.use(await startStack())
      const store = scope.use(await openPlainStore(stack.nats, width))
      return {
        name: 'stored',
        inFlight,
        servers: { 'nats-server': processTree(stack.nats.pid) },
        run: (source) => store.process(source),
      }
    },
    bullmq: () => openAlternative('bullmq', 'bun'),
    'bullmq-node': () => openAlternative('bullmq-node', 'node'),
  }
  const systems: System[] = []
  for (const name of names) systems.push(await open[name]())
  const opened = scope.move()
  return { systems, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
