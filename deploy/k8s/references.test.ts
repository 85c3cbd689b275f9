import { describe, expect, test } from 'bun:test'
import { valueSets } from './check-chart.ts'
import { manifests, type Manifest, type Manifests } from './manifests.ts'

/** Checks that names used by one object exist in another; schemas cannot check this. */

const sets = await Promise.all(
  Object.entries(valueSets).map(async ([name, values]) => ({ name, objects: await manifests(values) })),
)

/** Secrets that must exist before the installation. */
const existing = [
  'my-tokens',
  'nats-client',
  'nats-passwords',
  'pull',
  'pixelflow-tls',
  'prometheus-token',
  'pixelflow-clients',
]

/** All values under a key, at any depth. */
function valuesAt(value: unknown, ...keys: string[]): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(keys.includes(key) ? [inner] : []),
    ...valuesAt(inner, ...keys),
  ])
}

const labelsOf = (object: Manifest) => object.spec?.template?.metadata.labels ?? {}
const podsOf = (objects: Manifests) => objects.filter((one) => one.spec?.template !== undefined)
const portsOf = (object: Manifest) =>
  valuesAt(object.spec?.template, 'ports')
    .flat()
    .map((port) => (port as { name: string }).name)

function selected(objects: Manifests, selector: unknown): Manifest[] {
  const wanted = Object.entries(selector as Record<string, string>)
  return podsOf(objects).filter((one) => wanted.every(([key, value]) => labelsOf(one)[key] === value))
}

describe.each(sets)('with the $name values', ({ objects }) => {
  const named = (kind: string) =>
    objects.filter((one) => one.kind === kind).map(({ metadata }) => metadata.name)

  test('names of objects are unique', () => {
    const names = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`)
    expect(names).toEqual([...new Set(names)])
  })

  test('services, disruption budgets and workloads select existing pods', () => {
    for (const { kind, metadata, spec } of objects) {
      // Selects services, which another test checks.
      if (kind === 'ServiceMonitor') continue
      const selector = kind === 'Service' ? spec?.selector : valuesAt(spec?.selector, 'matchLabels')[0]
      if (selector === undefined) continue
      expect(selected(objects, selector), `${kind} ${metadata.name}`).toHaveLength(1)
    }
  })

  test('named ports exist', () => {
    for (const object of podsOf(objects)) {
      for (const port of valuesAt(valuesAt(object.spec?.template, 'httpGet'), 'port'))
        expect(portsOf(object)).toContain(String(port))
    }
    for (const { kind, spec } of objects) {
      if (kind !== 'Service') continue
      const ports = selected(objects, spec?.selector).flatMap(portsOf)
      for (const target of valuesAt(spec, 'targetPort')) expect(ports).toContain(String(target))
    }
    const all = podsOf(objects).flatMap(portsOf)
    for (const { kind, spec } of objects) {
      if (kind !== 'NetworkPolicy') continue
      for (const port of valuesAt(spec, 'port')) if (typeof port === 'string') expect(all).toContain(port)
    }
  })

  test('the ConfigMaps, Secrets and service accounts of pods exist', () => {
    for (const { spec } of podsOf(objects)) {
      const configs = [...valuesAt(spec, 'configMapRef'), ...valuesAt(spec, 'configMap')] as {
        name: string
      }[]
      for (const { name } of configs) expect(named('ConfigMap')).toContain(name)
      const secrets = [...valuesAt(spec, 'secretName'), ...valuesAt(valuesAt(spec, 'secretKeyRef'), 'name')]
      for (const name of secrets) expect([...named('Secret'), ...existing]).toContain(String(name))
      for (const name of valuesAt(spec, 'serviceAccountName'))
        expect(named('ServiceAccount')).toContain(String(name))
    }
  })

  test('volume mounts refer to existing volumes, and every volume is mounted', () => {
    for (const { spec } of podsOf(objects)) {
      const mounted = valuesAt(spec, 'volumeMounts').flat() as { name: string }[]
      const claimTemplates = valuesAt(spec, 'volumeClaimTemplates').flat() as Manifest[]
      const volumes = [
        ...(spec?.template?.spec.volumes ?? []).map(({ name }) => name),
        ...claimTemplates.map(({ metadata }) => metadata.name),
      ]
      expect(mounted.map(({ name }) => name).sort()).toEqual(volumes.sort())
    }
  })

  test('the targets of scaling and of routes exist', () => {
    for (const { kind, spec } of objects) {
      for (const target of valuesAt(spec, 'scaleTargetRef'))
        expect(named('Deployment')).toContain((target as { name: string }).name)
      if (kind === 'StatefulSet') expect(named('Service')).toContain(spec?.serviceName ?? '')
      const backends = [
        ...valuesAt(spec, 'backendRefs').flat(),
        ...valuesAt(valuesAt(spec, 'backend'), 'service'),
      ]
      for (const backend of backends as { name: string; port: number | { name: string } }[]) {
        const service = objects.find((one) => one.kind === 'Service' && one.metadata.name === backend.name)
        const ports = valuesAt(service?.spec, 'ports').flat() as { name: string; port: number }[]
        const { port } = backend
        const isThere = ports.some((one) =>
          typeof port === 'number' ? one.port === port : one.name === port.name,
        )
        expect(isThere, `${kind} to ${backend.name}`).toBe(true)
      }
    }
  })

  test('a ServiceMonitor selects every gateway once, by an existing port and an existing token', () => {
    for (const { kind, spec } of objects) {
      if (kind !== 'ServiceMonitor') continue
      const wanted = Object.entries(spec?.selector?.matchLabels ?? {})
      const services = objects.filter(
        (one) =>
          one.kind === 'Service' && wanted.every(([key, value]) => one.metadata.labels?.[key] === value),
      )
      expect(services.map((one) => one.spec?.clusterIP)).toEqual(['None'])
      const [endpoint] = spec?.endpoints ?? []
      expect(valuesAt(services[0]?.spec, 'name')).toContain(endpoint?.port)
      for (const { name } of valuesAt(endpoint, 'credentials') as { name: string }[])
        expect(existing).toContain(name)
    }
  })
})
