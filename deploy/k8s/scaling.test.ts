import { describe, expect, test } from 'bun:test'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jobKinds, type ActorKind } from '@pixelflow/core/actor-kinds'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { consumersOf } from '@pixelflow/nats/topology/consumers'
import { streams } from '@pixelflow/nats/topology/streams'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { chartFolder, valueSets } from './check-chart.ts'
import { renderChartTopology } from './generate.ts'
import { findOnlyObject, manifests, type Manifests } from './manifests.ts'

/** The KEDA objects of the actors, and their number of replicas. */

const setOf = (name: string) => manifests(valueSets[name] ?? [])
const byDefault = await setOf('default')
const scaled = (objects: Manifests, kind: ActorKind) =>
  findOnlyObject(objects, 'ScaledObject', `-actor-${kind}`).spec

/** Stream and consumer of each trigger of a kind. */
const triggersOf = (objects: Manifests, kind: ActorKind) =>
  scaled(objects, kind)?.triggers?.map(({ metadata }) => `${metadata['stream']}/${metadata['consumer']}`)

/** Stream and durable name of each consumer whose messages wait for an actor of the kind. */
const waitingConsumers = (kind: ActorKind) =>
  consumersOf(readSettings(natsSettings, {}), [kind])
    .filter(({ stream }) => ([streams.jobs, streams.backlog] as string[]).includes(stream))
    .map(({ stream, config }) => `${stream}/${config.durable_name}`)

describe.each(jobKinds.map((kind) => ({ kind })))('actors of the kind $kind', ({ kind }) => {
  test('take the tasks of this kind', () => {
    const env = findOnlyObject(byDefault, 'ConfigMap', `-actor-${kind}`).data ?? {}
    expect(env['PIXELFLOW_ACTOR_KINDS']).toBe(kind)
    expect(findOnlyObject(byDefault, 'Deployment', `-actor-${kind}`)).toBeDefined()
  })

  test('are scaled by the lag of every consumer whose messages wait for them', async () => {
    for (const name of ['default', 'external NATS', 'everything'])
      expect(triggersOf(await setOf(name), kind)?.sort(), name).toEqual(waitingConsumers(kind).sort())
  })

  test('are scaled by the sum of the lags', () => {
    const spec = scaled(byDefault, kind)
    const names = spec?.triggers?.map(({ name }) => name).sort()
    const { formula = '' } = spec?.advanced?.scalingModifiers ?? {}
    expect(formula.split(' + ').sort()).toEqual(names ?? [])
  })

  test('are one pod for the work that one pod completes in the target time', () => {
    // Two concurrent tasks of 0.5 s each, for 10 s.
    expect(scaled(byDefault, kind)?.advanced?.scalingModifiers.target).toBe('40')
  })

  test('are scaled by a query to the headless service, which resolves server names, in the account of the streams', () => {
    const headless = findOnlyObject(byDefault, 'Service', '-nats-headless')
    expect(headless.spec?.clusterIP).toBe('None')
    expect(findOnlyObject(byDefault, 'StatefulSet').spec?.serviceName).toBe(headless.metadata.name)
    for (const { metadata } of scaled(byDefault, kind)?.triggers ?? []) {
      const [host] = metadata['natsServerMonitoringEndpoint']?.split('.') ?? []
      expect(host).toBe(headless.metadata.name)
      expect(findOnlyObject(byDefault, 'ConfigMap', '-nats').data?.['nats.conf']).toContain(
        `${metadata['account']} {`,
      )
    }
  })
})

test('the autoscaler sets the number of replicas where there is one', async () => {
  const [everything, fixed, minikube] = await Promise.all(
    ['everything', 'fixed actors', 'minikube'].map(setOf),
  )
  const replicas = (objects: Manifests | undefined, name: string) =>
    findOnlyObject(objects ?? [], 'Deployment', name).spec?.replicas
  expect(replicas(byDefault, '-actor-transform')).toBeUndefined()
  expect(replicas(byDefault, '-gateway')).toBe(2)
  expect(replicas(everything, '-gateway')).toBeUndefined()
  expect(replicas(fixed, '-actor-transform')).toBe(4)
  expect(fixed?.some(({ kind }) => kind === 'ScaledObject')).toBe(false)
  expect(scaled(minikube ?? [], 'transform')?.minReplicaCount).toBe(0)
})

test('a kind that is only a row in the topology has a Deployment, a scaling rule and access to NATS', async () => {
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-chart-'))
  try {
    const folder = join(home, 'chart')
    await cp(chartFolder, folder, { recursive: true })
    const topology = renderChartTopology([...jobKinds, 'checksum'])
    await Bun.write(join(folder, 'topology.json'), JSON.stringify(topology))
    const objects = await manifests([], folder)
    const pod = findOnlyObject(objects, 'Deployment', '-actor-checksum').spec?.template?.spec
    const account = findOnlyObject(objects, 'ServiceAccount', '-actor-checksum').metadata.name
    expect(pod?.serviceAccountName).toBe(account)
    expect(triggersOf(objects, 'checksum')?.sort()).toEqual(waitingConsumers('checksum').sort())
    const clients = findOnlyObject(objects, 'NetworkPolicy', '-nats-clients')
    expect(JSON.stringify(clients)).toContain('actor-checksum')
    // The other kinds do not change.
    const others = objects.filter(
      ({ kind, metadata }) => kind !== 'NetworkPolicy' && !metadata.name.endsWith('-checksum'),
    )
    const before = byDefault.filter(({ kind }) => kind !== 'NetworkPolicy')
    const stable = (all: Manifests) => all.filter(({ kind }) => kind !== 'Secret')
    expect(stable(others)).toEqual(stable(before))
  } finally {
    await rm(home, { recursive: true })
  }
})
