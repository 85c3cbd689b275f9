import { describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { actorSettings } from '@pixelflow/actors/config'
import { jobKinds } from '@pixelflow/core/actor-kinds'
import { readSettings, type Table } from '@pixelflow/platform/config/read-settings'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { logSettings } from '@pixelflow/platform/telemetry/log-settings'
import { traceSettings } from '@pixelflow/platform/telemetry/tracing/trace-settings'
import { byteSize } from '@pixelflow/platform/config/byte-size'
import { numberWithUnit } from '@pixelflow/platform/config/number-with-unit'
import { gatewaySettings } from '@pixelflow/gateway/config'
import { render, valueSets } from './check-chart.ts'
import { renderChartSchema, renderChartTopology, schemaFile, setByChart, topologyFile } from './generate.ts'
import { manifests, findOnlyObject, parseQuantity, listWorkloads, type Manifests } from './manifests.ts'

const sets = await Promise.all(
  Object.entries(valueSets).map(async ([name, values]) => ({ name, objects: await manifests(values) })),
)
const byDefault = setOf('default')
/** The component of each kind of actor. */
const actors = jobKinds.map((kind) => `actor-${kind}`)

function setOf(name: string): Manifests {
  const found = sets.find((one) => one.name === name)
  if (found === undefined) throw new Error(`Unknown set of values: ${name}.`)
  return found.objects
}

describe('files generated from the code', () => {
  const remedy = 'Run `bun deploy/k8s/generate.ts` and commit the files.'

  test('topology.json matches the consumers of the code', async () => {
    expect(await Bun.file(topologyFile).json(), remedy).toEqual(renderChartTopology())
  })

  test('values.schema.json has the settings and the actor kinds of the code', async () => {
    expect(await Bun.file(schemaFile).json(), remedy).toEqual(await renderChartSchema())
  })
})

describe.each(sets)('settings, $name values', ({ objects }) => {
  const parts = [
    {
      part: 'gateway',
      table: { ...natsSettings, ...logSettings, ...traceSettings, ...gatewaySettings },
      own: setByChart.gateway,
    },
    ...actors.map((part) => ({
      part,
      table: { ...natsSettings, ...logSettings, ...traceSettings, ...actorSettings },
      own: setByChart.actors,
    })),
  ]

  test.each(parts)('the $part process accepts its settings', async ({ part, table, own }) => {
    const { NODE_ENV, ...env } = findOnlyObject(objects, 'ConfigMap', `-${part}`).data ?? {}
    expect(NODE_ENV).toBe('production')
    const declared = Object.values(table as Table).flatMap((one) =>
      one.secret ? [one.env, `${one.env}_FILE`] : [one.env],
    )
    expect(Object.keys(env).filter((name) => !declared.includes(name))).toEqual([])
    for (const name of [...own, ...setByChart.common]) expect(env).toHaveProperty(name)

    const home = await mkdtemp(join(tmpdir(), 'pixelflow-chart-'))
    try {
      // Secrets are files in the container.
      const secret = join(home, 'secret')
      await Bun.write(secret, 'local:secret')
      const here = Object.entries(env).map(([name, value]) => [name, name.endsWith('_FILE') ? secret : value])
      expect(() =>
        readSettings(table as Table, Object.fromEntries(here) as Record<string, string>),
      ).not.toThrow()
    } finally {
      await rm(home, { recursive: true })
    }
  })

  test('only Secret objects contain secrets', () => {
    const passwords = [natsSettings.natsPassword.env, 'PIXELFLOW_API_TOKENS']
    const open = objects.filter(({ kind }) => kind !== 'Secret').map((one) => JSON.stringify(one))
    for (const name of passwords) expect(open.filter((text) => text.includes(`"${name}"`))).toEqual([])
  })
})

describe.each(sets)('pods, $name values', ({ objects }) => {
  test.each(listWorkloads(objects))('$name runs with the least privileges', ({ pod }) => {
    expect(pod.automountServiceAccountToken).toBe(false)
    expect(pod.enableServiceLinks).toBe(false)
    expect(
      findOnlyObject(objects, 'ServiceAccount', pod.serviceAccountName).automountServiceAccountToken,
    ).toBe(false)
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    for (const { securityContext, resources } of pod.containers) {
      expect(securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      expect(parseQuantity(resources?.limits?.['memory'])).toBeGreaterThan(0)
    }
    for (const { emptyDir } of pod.volumes) if (emptyDir) expect(emptyDir.sizeLimit).toBeDefined()
  })

  test('have a termination grace period longer than their drain time', () => {
    for (const part of ['gateway', ...actors]) {
      const pod = findOnlyObject(objects, 'Deployment', `-${part}`).spec?.template?.spec
      const drain = findOnlyObject(objects, 'ConfigMap', `-${part}`).data?.['PIXELFLOW_DRAIN_TIMEOUT'] ?? ''
      const pause = pod?.containers[0]?.lifecycle?.preStop?.sleep?.seconds ?? 0
      expect(pod?.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(
        pause + Number.parseInt(drain, 10) + 5,
      )
    }
  })

  const size = (text: string | undefined) => numberWithUnit(byteSize, {}).parse(text ?? '')

  test.each(actors)('%s has memory for its child processes and its scratch files', (part) => {
    const pod = findOnlyObject(objects, 'Deployment', `-${part}`).spec?.template?.spec
    const env = findOnlyObject(objects, 'ConfigMap', `-${part}`).data ?? {}
    const concurrency = Number(env['PIXELFLOW_ACTOR_CONCURRENCY'])
    const live = Number(env['PIXELFLOW_LIVE_CONCURRENCY'])
    const scratch = pod?.volumes.find(({ name }) => name === 'scratch')?.emptyDir
    const inMemory = scratch?.medium === 'Memory' ? parseQuantity(scratch.sizeLimit) : 0
    const needed = (concurrency + live) * size(env['PIXELFLOW_WORKER_MAX_RSS']) + inMemory + 256 * 2 ** 20
    expect(parseQuantity(pod?.containers[0]?.resources?.limits?.['memory'])).toBeGreaterThanOrEqual(needed)

    const gateway = findOnlyObject(objects, 'ConfigMap', '-gateway').data ?? {}
    const largest = size(
      gateway['PIXELFLOW_MAX_UPLOAD_BYTES'] ?? String(gatewaySettings.maxUploadBytes.default),
    )
    // Each child process has two live sessions, and each session's image is at most what a gateway keeps in memory.
    const sessions =
      2 * live * gatewaySettings.inlineMaxBytes.default + actorSettings.previewScratchBytes.default
    expect(parseQuantity(scratch?.sizeLimit)).toBeGreaterThanOrEqual(concurrency * largest + sessions)
  })

  test('the gateway has disk space for downloads and the list of tasks', () => {
    const pod = findOnlyObject(objects, 'Deployment', '-gateway').spec?.template?.spec
    const spool = size(findOnlyObject(objects, 'ConfigMap', '-gateway').data?.['PIXELFLOW_DOWNLOAD_SPOOL'])
    const data = pod?.volumes.find(({ name }) => name === 'data')?.emptyDir
    expect(parseQuantity(data?.sizeLimit)).toBeGreaterThan(spool + 2 ** 30)
  })
})

describe('TLS', () => {
  const gateway = (objects: Manifests) => {
    const pod = findOnlyObject(objects, 'Deployment', '-gateway').spec?.template?.spec
    const settings = findOnlyObject(objects, 'ConfigMap', '-gateway').data ?? {}
    return { pod, settings, container: pod?.containers[0] }
  }
  const schemes = (objects: Manifests) => {
    const { container } = gateway(objects)
    const probes = [container?.startupProbe, container?.livenessProbe, container?.readinessProbe]
    return probes.map((probe) => probe?.httpGet?.scheme)
  }

  test('is off unless a secret is named', () => {
    const { settings } = gateway(byDefault)
    expect(Object.keys(settings).filter((name) => name.includes('_TLS_'))).toEqual([])
    expect(schemes(byDefault)).toEqual(['HTTP', 'HTTP', 'HTTP'])
  })

  test('finds its files where they are mounted, and is used by the probes', () => {
    const everything = setOf('everything')
    const { pod, settings, container } = gateway(everything)
    expect(settings['PIXELFLOW_TLS_CLIENT_AUTH']).toBe('optional')
    for (const [name, secretName] of [
      ['PIXELFLOW_TLS_CERT_FILE', 'pixelflow-tls'],
      ['PIXELFLOW_TLS_KEY_FILE', 'pixelflow-tls'],
      ['PIXELFLOW_TLS_CLIENT_CA_FILE', 'pixelflow-clients'],
    ] as const) {
      const [, folder, file] = /^(.*)\/([^/]+)$/.exec(settings[name] ?? '') ?? []
      const mount = container?.volumeMounts?.find(({ mountPath }) => mountPath === folder)
      const volume = pod?.volumes.find((one) => one.name === mount?.name)
      expect(volume?.secret?.secretName).toBe(secretName)
      expect(volume?.secret?.items?.map(({ path }) => path)).toContain(file)
      // Not world-readable, because it contains the key. YAML octal is a decimal number here.
      expect(volume?.secret?.defaultMode).toBe(440)
    }
    expect(schemes(everything)).toEqual(['HTTPS', 'HTTPS', 'HTTPS'])
  })
})

describe('network', () => {
  test('only the monitoring system can reach the monitoring port', () => {
    const rules = findOnlyObject(byDefault, 'NetworkPolicy', '-nats').spec?.ingress ?? []
    const open = rules.filter(({ ports }) => ports?.some(({ port }) => port === 'monitor' || port === 8222))
    expect(open).toHaveLength(1)
    expect(open[0]?.from).toHaveLength(2)
  })

  test('all traffic of the release is denied by default', () => {
    const { matchLabels } =
      findOnlyObject(byDefault, 'NetworkPolicy', '-default-deny').spec?.podSelector ?? {}
    for (const { spec, metadata } of byDefault) {
      if (spec?.template === undefined) continue
      expect(spec.template.metadata.labels, metadata.name).toMatchObject(matchLabels ?? {})
    }
  })

  test.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT=http://collector.tracing:4318', 'port: 4318'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT=https://collector.example.com', 'port: 443'],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://collector.tracing:4319/v1/traces', 'port: 4319'],
  ])('the collector of traces at %s can be reached', async (setting, port) => {
    const flags = ['--set', `settings.common.${setting}`]
    const { ok, text } = await render([], flags)
    expect(ok, text).toBe(true)
    const policy = text.split('\n---\n').find((one) => /name: \S+-nats-clients/.test(one))
    expect(policy).toContain(port)
  })
})

describe('invalid values', () => {
  test.each([
    ['gateway.replica=3', 'replica'],
    ['settings.common.PIXELFLOW_TASK_RETENTON=1d', 'PIXELFLOW_TASK_RETENTON'],
    ['settings.gateway.PIXELFLOW_HOST=::', 'PIXELFLOW_HOST'],
    ['settings.common.PIXELFLOW_NATS_PASSWORD=secret', 'PIXELFLOW_NATS_PASSWORD'],
    ['actors.kinds.transfrom.concurrency=1', 'transfrom'],
    ['actors.kinds.transform.autoscaling.maxReplicas=90000', 'unacknowledged jobs'],
    ['nats.replicas=2', 'nats/replicas'],
    ['auth.tokens=secret-without-account', 'auth/tokens'],
    ['nats.external.url=nats://user:secret@host:4222', 'nats/external/url'],
    ['nats.enabled=false', 'nats.external.url is required'],
    ['httpRoute.enabled=true', 'httpRoute/parentRefs'],
    ['grpcRoute.enabled=true', 'grpcRoute/parentRefs'],
    ['metrics.access=everybody', 'metrics/access'],
    ['metrics.scrapeAnnotations=true', 'metrics.access open'],
    ['metrics.serviceMonitor.enabled=true', 'metrics.serviceMonitor.tokenSecret is required'],
    ['metrics.serviceMonitor.enabled=true,metrics.access=off', 'metrics.access is off'],
    ['settings.gateway.PIXELFLOW_METRICS_ACCESS=open', 'PIXELFLOW_METRICS_ACCESS'],
    ['tls.clientCaSecretName=clients', 'needs tls.secretName'],
    ['tls.clientAuth=maybe', 'tls/clientAuth'],
    ['settings.gateway.PIXELFLOW_TLS_CERT_FILE=/tls.crt', 'PIXELFLOW_TLS_CERT_FILE'],
  ])('%s is refused', async (flag, reason) => {
    const { ok, text } = await render([], ['--set', flag])
    expect(text).toContain(reason)
    expect(ok).toBe(false)
  })
})
