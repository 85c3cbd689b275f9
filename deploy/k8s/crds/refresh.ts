import { join } from 'node:path'

/**
 * Fetches the CRDs that the chart's checks need from the Go modules that ship them, and writes them beside this file:
 * only the served version, without descriptions, which are 90 % of the size and are not needed for validation.
 * Run it after changing a version here: `bun deploy/k8s/crds/refresh.ts`.
 */
const sources = [
  {
    module: 'github.com/kedacore/keda/v2@v2.20.2',
    file: 'config/crd/bases/keda.sh_scaledobjects.yaml',
    version: 'v1alpha1',
  },
  {
    module: 'sigs.k8s.io/gateway-api@v1.6.3',
    file: 'config/crd/standard/gateway.networking.k8s.io_httproutes.yaml',
    version: 'v1',
  },
  {
    module: 'sigs.k8s.io/gateway-api@v1.6.3',
    file: 'config/crd/standard/gateway.networking.k8s.io_grpcroutes.yaml',
    version: 'v1',
  },
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    file: 'example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml',
    version: 'v1',
  },
]

interface Definition {
  spec: { versions: { name: string }[] }
}

for (const { module, file, version } of sources) {
  const download = Bun.spawnSync(['go', 'mod', 'download', '-json', module], { stderr: 'inherit' })
  const { Dir, Error: problem } = JSON.parse(download.stdout.toString()) as { Dir: string; Error?: string }
  if (problem !== undefined) throw new Error(problem)
  const definition = Bun.YAML.parse(await Bun.file(join(Dir, file)).text()) as Definition
  definition.spec.versions = definition.spec.versions.filter(({ name }) => name === version)
  const origin = `# From ${module}, ${file} (Apache-2.0), by deploy/k8s/crds/refresh.ts\n`
  const name = file.slice(file.lastIndexOf('/') + 1)
  await Bun.write(join(import.meta.dir, name), `${origin}${Bun.YAML.stringify(lean(definition), null, 2)}\n`)
}

/** Removes the descriptions of a schema; a property named `description` is an object and is kept. */
function lean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lean)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([key, inner]) => key !== 'description' || typeof inner === 'object')
  return Object.fromEntries(kept.map(([key, inner]) => [key, lean(inner)]))
}
