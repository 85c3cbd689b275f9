import { render } from './check-chart.ts'

/** The fields of Kubernetes objects that the tests read. */

export interface Metadata {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

export interface Probe {
  readonly httpGet?: { readonly port: string | number; readonly scheme?: string }
  readonly exec?: { readonly command: readonly string[] }
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
  readonly resources?: { readonly limits?: Readonly<Record<string, string>> }
  readonly securityContext?: unknown
  readonly startupProbe?: Probe
  readonly livenessProbe?: Probe
  readonly readinessProbe?: Probe
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } }
}

export interface PodSpec {
  readonly serviceAccountName: string
  readonly automountServiceAccountToken?: boolean
  readonly enableServiceLinks?: boolean
  readonly terminationGracePeriodSeconds: number
  readonly securityContext?: unknown
  readonly containers: readonly Container[]
  readonly volumes: readonly {
    readonly name: string
    readonly emptyDir?: { readonly medium?: string; readonly sizeLimit?: string }
    readonly secret?: {
      readonly secretName: string
      readonly defaultMode?: number
      readonly items?: readonly { readonly key: string; readonly path: string }[]
    }
  }[]
}

export interface Trigger {
  readonly type: string
  readonly name: string
  readonly metadata: Readonly<Record<string, string>>
}

export interface Port {
  readonly port: string | number
}

export interface NetworkRule {
  readonly ports?: readonly Port[]
  readonly from?: readonly unknown[]
}

export interface Spec {
  readonly replicas?: number
  readonly clusterIP?: string
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> }
  readonly endpoints?: readonly { readonly port: string; readonly scheme: string }[]
  readonly serviceName?: string
  readonly template?: { readonly metadata: Metadata; readonly spec: PodSpec }
  readonly scaleTargetRef?: { readonly name: string }
  readonly minReplicaCount?: number
  readonly triggers?: readonly Trigger[]
  readonly advanced?: {
    readonly scalingModifiers: { readonly formula: string; readonly target: string }
  }
  readonly ingress?: readonly NetworkRule[]
  readonly podSelector?: { readonly matchLabels: Readonly<Record<string, string>> }
}

export interface Manifest {
  readonly kind: string
  readonly metadata: Metadata
  readonly spec?: Spec
  readonly data?: Readonly<Record<string, string>>
  readonly automountServiceAccountToken?: boolean
}

export interface Manifests extends ReadonlyArray<Manifest> {}

/** Renders the chart with a set of values and parses the objects. @param folder of another chart */
export async function manifests(values: readonly string[], folder?: string): Promise<Manifests> {
  const { ok, text } = await render(values, [], folder)
  if (!ok) throw new Error(text)
  const documents = Bun.YAML.parse(text) as (Manifest | null)[] | Manifest
  return [documents].flat().filter((one) => one !== null)
}

/** The only object of a kind whose name has a suffix. */
export function findOnlyObject(objects: Manifests, kind: string, suffix = ''): Manifest {
  const found = objects.filter((one) => one.kind === kind && one.metadata.name.endsWith(suffix))
  const [first] = found
  if (first === undefined || found.length > 1) throw new Error(`${found.length} objects ${kind} …${suffix}`)
  return first
}

export interface Workload {
  readonly name: string
  readonly pod: PodSpec
}

/** All objects that create pods. */
export function listWorkloads(objects: Manifests): Workload[] {
  return objects.flatMap(({ metadata, spec }) =>
    spec?.template === undefined ? [] : [{ name: metadata.name, pod: spec.template.spec }],
  )
}

const scale = { '': 1, m: 1e-3, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 }

/** A Kubernetes quantity such as 512Mi as a number of bytes, or of cores. */
export function parseQuantity(text: string | undefined): number {
  const [, amount, unit = ''] = /^([\d.]+)([A-Za-z]*)$/.exec(text ?? '') ?? []
  const factor = scale[unit as keyof typeof scale]
  if (amount === undefined || factor === undefined) throw new Error(`${text} is not a quantity.`)
  return Number(amount) * factor
}
