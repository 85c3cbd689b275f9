import { join } from 'node:path'
import { recipesMarkdown } from '@pixelflow/core/operations/recipes-markdown'
import { openapiDocument } from '@pixelflow/gateway/transports/rest/openapi/openapi-document'
import { renderConfiguration, renderSettingNames } from './render-configuration.ts'
import { renderMetrics } from './render-metrics.ts'
import { renderThirdPartyNotices } from './third-party-notices.ts'

/**
 * Writes the pages, and the list of settings, that are generated from the code. With `--check`, fails when one of them
 * differs from the code.
 */
const pages: Record<string, () => string> = {
  'recipes.md': recipesMarkdown,
  'configuration.md': renderConfiguration,
  '../platform/config/setting-names.json': renderSettingNames,
  'metrics.md': renderMetrics,
  'third-party-notices.txt': () => renderThirdPartyNotices(join(import.meta.dir, '..')),
  'openapi.json': () => `${JSON.stringify(openapiDocument(), null, 2)}\n`,
}

const checkOnly = process.argv.includes('--check')
const stale: string[] = []
for (const [name, make] of Object.entries(pages)) {
  const path = join(import.meta.dir, name)
  const text = make()
  const there = await Bun.file(path)
    .text()
    .catch(() => '')
  if (there === text) continue
  if (checkOnly) stale.push(name)
  else await Bun.write(path, text)
}
if (stale.length > 0) {
  process.stderr.write(
    `docs/${stale.join(', docs/')} do not match the code: run \`./pixelflow verify --write\`.\n`,
  )
  process.exit(1)
}
