import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jobKinds } from '@pixelflow/core/actor-kinds'
import { onlyStage, type Lane } from '@pixelflow/core/job'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { openAdapters } from '@pixelflow/nats/open-adapters'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { natsServer } from '@pixelflow/testkit/nats-server'
import { freePort } from '@pixelflow/testkit/port'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { valueSets } from './check-chart.ts'
import { manifests, findOnlyObject, type Manifests, type Trigger } from './manifests.ts'

/** NATS of the chart: real servers with the configuration and the environment of their pods. */

// Contains special characters, which must be quoted correctly in the server's configuration.
const password = '1e5-p@ss:wörd/#'
const routePassword = '12345e6'
const account = 'local'

test.each([
  { name: 'default', servers: 1 },
  { name: 'everything', servers: 3 },
])(
  '$servers servers of the $name values: services connect, and the lag for KEDA equals the waiting work',
  async ({ name, servers }) => {
    const objects = await manifests(valueSets[name] ?? [])
    await using cluster = await startServers(objects, servers)
    const env = { ...findOnlyObject(objects, 'ConfigMap', '-gateway').data, NATS_URL: cluster.urls.join(',') }
    const secret = join(cluster.home, 'password')
    await Bun.write(secret, password)
    const settings = readSettings(natsSettings, { ...env, PIXELFLOW_NATS_PASSWORD_FILE: secret })
    expect(settings.natsReplicas).toBe(servers)
    await using adapters = await openAdapters({
      settings,
      name: 'test',
      log: createLogger({ service: 'test', level: 'error' }),
    })

    // If servers advertised their addresses, KEDA would use those instead of their names.
    for (const { address } of servers > 1 ? cluster.monitors : []) {
      expect(await (await fetch(`http://${address}/varz`)).json()).not.toHaveProperty('connect_urls')
    }

    const [kind = 'transform'] = jobKinds
    const triggers = findOnlyObject(objects, 'ScaledObject', `-actor-${kind}`).spec?.triggers ?? []
    for (const trigger of triggers) expect(await waitForLag(0, cluster, trigger), trigger.name).toBe(0)

    const submit = (lane: Lane) =>
      adapters.queue.submit({ kind, lane, account, task: Bun.randomUUIDv7(), stage: onlyStage })
    await submit('interactive')
    for (let i = 0; i < 5; i += 1) await submit('bulk')
    // As the dispatcher does: admitted jobs go to the bulk lane, the others stay in the backlog.
    for (let i = 0; i < 2; i += 1) {
      const { seq } = (await adapters.backlog.oldest(kind)) ?? {}
      expect(await adapters.backlog.admit(seq ?? 0)).toBe('admitted')
    }
    const waiting: Record<string, number> = { interactive: 1, bulk: 2, backlog: 3 }
    expect(triggers.map(({ name }) => name).sort()).toEqual(Object.keys(waiting).sort())
    for (const trigger of triggers) {
      const expected = waiting[trigger.name] ?? -1
      expect(await waitForLag(expected, cluster, trigger), trigger.name).toBe(expected)
    }
  },
  60_000,
)

interface Servers extends AsyncDisposable {
  readonly home: string
  readonly urls: readonly string[]
  readonly monitors: readonly { readonly server: string; readonly address: string }[]
}

/** Starts the pods of the StatefulSet as local processes, with other ports and folders. */
async function startServers(objects: Manifests, count: number): Promise<Servers> {
  const { metadata, spec } = findOnlyObject(objects, 'StatefulSet')
  expect(spec?.replicas).toBe(count)
  const conf = findOnlyObject(objects, 'ConfigMap', '-nats').data?.['nats.conf'] ?? ''
  const container = spec?.template?.spec.containers[0]
  const secrets: Record<string, string> = { PASSWORD: password, PASSWORD_OF_ROUTES: routePassword }

  const home = await mkdtemp(join(tmpdir(), 'pixelflow-chart-nats-'))
  await using scope = new AsyncDisposableStack()
  scope.defer(() => rm(home, { recursive: true, force: true }))
  const pods = await Promise.all(
    Array.from({ length: count }, async (_, index) => ({
      name: `${metadata.name}-${index}`,
      client: await freePort(),
      monitor: await freePort(),
      route: await freePort(),
    })),
  )
  // The headless service resolves the names of pods; here, all are on this machine.
  const withLocalRoutes = (text: string) =>
    pods.reduce(
      (out, pod) => out.replace(new RegExp(`${pod.name}\\.[a-z.-]+:6222`), `127.0.0.1:${pod.route}`),
      text,
    )

  // The servers end with this process, even if it is killed.
  const dieWithParent = Bun.which('setpriv') ? ['setpriv', '--pdeathsig', 'KILL', '--'] : []
  const command = [...dieWithParent, await natsServer()]
  for (const pod of pods) {
    const folder = join(home, pod.name)
    const local = conf
      .replace('0.0.0.0:4222', `127.0.0.1:${pod.client}`)
      .replace('0.0.0.0:8222', `127.0.0.1:${pod.monitor}`)
      .replace('0.0.0.0:6222', `127.0.0.1:${pod.route}`)
      .replace('/run/nats/', `${folder}-`)
      .replace('"/data"', `"${folder}"`)
    await Bun.write(`${folder}.conf`, local)
    const env: Record<string, string> = { POD_NAME: pod.name, ...secrets }
    for (const { name, value } of container?.env ?? []) {
      if (value !== undefined)
        env[name] = withLocalRoutes(value.replace(/\$\((\w+)\)/g, (_, other: string) => env[other] ?? ''))
    }
    const server = Bun.spawn([...command, '-c', `${folder}.conf`], {
      env: { ...process.env, ...env },
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: Bun.file(`${folder}.log`),
    })
    scope.defer(async () => {
      server.kill('SIGKILL')
      await server.exited
    })
  }
  for (const pod of pods)
    await waitUntilHealthy(`http://127.0.0.1:${pod.monitor}/healthz`, join(home, `${pod.name}.log`))
  const owned = scope.move()
  return {
    home,
    urls: pods.map((pod) => `nats://127.0.0.1:${pod.client}`),
    monitors: pods.map((pod) => ({ server: pod.name, address: `127.0.0.1:${pod.monitor}` })),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function waitUntilHealthy(url: string, log: string): Promise<void> {
  const isHealthy = () =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    )
  await waitFor(`${url} healthy`, isHealthy, Boolean, { timeoutMs: 20_000 }).catch(async (error: unknown) => {
    throw new Error(`nats-server did not start:\n${await Bun.file(log).text()}`, { cause: error })
  })
}

interface Streams {
  readonly account_details: readonly {
    readonly name: string
    readonly stream_detail?: readonly {
      readonly name: string
      readonly consumer_detail?: readonly Consumer[]
    }[]
  }[]
}

interface Consumer {
  readonly name: string
  readonly num_pending: number
  readonly num_ack_pending: number
  readonly cluster?: { readonly leader?: string }
}

/** Waits until the lag is as expected: the servers of a cluster learn of messages with a delay. */
function waitForLag(expected: number, servers: Servers, trigger: Trigger): Promise<number | undefined> {
  return waitFor(
    `lag of ${trigger.name} is ${expected}`,
    () => lagOf(servers, trigger),
    (lag) => lag === expected,
  )
}

/** The lag as KEDA reads it: `/jsz` of the server that leads the consumer. */
async function lagOf({ monitors }: Servers, { metadata }: Trigger): Promise<number | undefined> {
  const query = new URLSearchParams({ acc: metadata['account'] ?? '', consumers: 'true', config: 'true' })
  for (const { server, address } of monitors) {
    const response = (await (await fetch(`http://${address}/jsz?${query}`)).json()) as Streams
    const streams = response.account_details.find(({ name }) => name === metadata['account'])?.stream_detail
    const consumers = streams?.find(({ name }) => name === metadata['stream'])?.consumer_detail
    const consumer = consumers?.find(({ name }) => name === metadata['consumer'])
    // A single server leads every consumer and reports no leader.
    if (consumer && (consumer.cluster?.leader ?? server) === server)
      return consumer.num_pending + consumer.num_ack_pending
  }
  return undefined
}
