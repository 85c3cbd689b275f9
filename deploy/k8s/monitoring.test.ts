import { describe, expect, test } from 'bun:test'
import { render, valueSets } from './check-chart.ts'
import { manifests, findOnlyObject, type Manifests } from './manifests.ts'

const byDefault = await manifests([])
const everything = await manifests(valueSets['everything'] ?? [])
const fixedActors = await manifests(valueSets['fixed actors'] ?? [])

describe('metrics', () => {
  const annotations = (objects: Manifests) =>
    findOnlyObject(objects, 'Deployment', '-gateway').spec?.template?.metadata.annotations ?? {}

  test('require a token by default, and no scraper is configured', () => {
    expect(findOnlyObject(byDefault, 'ConfigMap', '-gateway').data?.['PIXELFLOW_METRICS_ACCESS']).toBe(
      'token',
    )
    expect(byDefault.some(({ kind }) => kind === 'ServiceMonitor')).toBe(false)
    expect(Object.keys(annotations(byDefault)).filter((name) => name.startsWith('prometheus'))).toEqual([])
  })

  test('are scraped by annotation or by the Prometheus Operator, with TLS if the gateway has it', () => {
    const open = fixedActors
    expect(findOnlyObject(open, 'ConfigMap', '-gateway').data?.['PIXELFLOW_METRICS_ACCESS']).toBe('open')
    expect(annotations(open)).toMatchObject({
      'prometheus.io/scrape': 'true',
      'prometheus.io/scheme': 'http',
      'prometheus.io/port': '3000',
      'prometheus.io/path': '/metrics',
    })
    expect(findOnlyObject(everything, 'ServiceMonitor').spec?.endpoints).toMatchObject([
      { port: 'http', scheme: 'https', path: '/metrics', authorization: { type: 'Bearer' } },
    ])
  })

  test('remain reachable when only some clients may call the gateway', () => {
    const rules = findOnlyObject(everything, 'NetworkPolicy', '-gateway').spec?.ingress ?? []
    expect(rules.map(({ ports, from }) => [ports?.length, from?.length])).toEqual([
      [2, 1],
      [1, 2],
    ])
    expect(findOnlyObject(byDefault, 'NetworkPolicy', '-gateway').spec?.ingress).toHaveLength(1)
  })
})

describe('gRPC through a Gateway', () => {
  test('has its own host names', async () => {
    const { ok } = await render(
      [],
      ['--set-json', 'grpcRoute={"enabled":true,"parentRefs":[{"name":"edge"}]}'],
    )
    expect(ok).toBe(true)
    const both = (grpc: string) => {
      const route = (names: string) =>
        `{"enabled":true,"parentRefs":[{"name":"edge"}],"hostnames":[${names}]}`
      return render(
        [],
        ['--set-json', `grpcRoute=${route(grpc)}`, '--set-json', `httpRoute=${route('"a.example"')}`],
      )
    }
    expect((await both('"a.example"')).text).toContain('both have a.example')
    expect((await both('')).text).toContain('both need hostnames')
    expect((await both('"b.example"')).ok).toBe(true)
  })
})
