import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { actorKindRows, type ActorKind } from '@pixelflow/core/actor-kinds'

const folder = join(import.meta.dir, '../actors/kinds')
const head =
  '// Generated from the rows of core/actor-kinds.ts by docs/generate.ts; `./pixelflow verify --write` updates it.\n'
const names = actorKindRows.map(({ name }) => name)

/** `actors/kinds/kinds.gen.ts`: the kind of each row, from its folder. */
export function renderKinds(): string {
  const imports = importLines(names, 'kind')
  return `${head}${["import type { Kinds } from './kind.ts'", ...imports].join('\n')}

/** Every kind of actor, by name. */
export const kinds: Kinds = {
${names.map((name) => `  ${name}: ${name}Kind,\n`).join('')}}
`
}

/** `actors/kinds/worker-handlers.gen.ts`: the part of each kind that runs in a worker process, where its folder has one. */
export function renderWorkerHandlers(): string {
  const withWorker = names.filter((name) => existsSync(join(folder, name, `${name}-worker.ts`)))
  const imports = importLines(withWorker, 'worker')
  return `${head}${["import type { WorkerHandler } from '../sandbox/worker-handler.ts'", ...imports].join('\n')}

/** The part of each kind that runs in a worker process, by the name that work requests use. */
export const workerHandlers: Readonly<Record<string, WorkerHandler>> = {
${withWorker.map((name) => `  ${name}: ${name}Worker,\n`).join('')}}
`
}

function importLines(kinds: readonly ActorKind[], part: 'kind' | 'worker'): string[] {
  const suffix = part === 'kind' ? 'Kind' : 'Worker'
  return kinds.toSorted().map((name) => `import { ${name}${suffix} } from './${name}/${name}-${part}.ts'`)
}
