import { join } from 'node:path'
import { recipesMarkdown } from '@pixelflow/core/recipe/recipes-markdown'
import { openapiDocument } from './openapi/openapi-document.ts'
import { renderClientCalls, renderRpcCalls } from './render-client-calls.ts'
import { renderConfiguration, renderSettingNames } from './render-configuration.ts'
import { renderKinds, renderWorkerHandlers } from './render-kinds.ts'
import { renderPerformancePages } from './render-performance-pages.ts'
import { renderMetrics } from './render-metrics.ts'
import { renderServiceConfig } from './render-service-config.ts'
import { renderThirdPartyNotices } from './third-party-notices.ts'

/** The pages, settings, and tables of calls and kinds that are generated from the code, by their path in this folder. */
export const pages: Readonly<Record<string, () => string>> = {
  'recipes.md': recipesMarkdown,
  'configuration.md': renderConfiguration,
  '../platform/config/setting-names.json': renderSettingNames,
  '../actors/kinds/kinds.gen.ts': renderKinds,
  '../actors/kinds/worker-handlers.gen.ts': renderWorkerHandlers,
  'metrics.md': renderMetrics,
  ...renderPerformancePages(join(import.meta.dir, '../bench/results.json')),
  'third-party-notices.txt': () => renderThirdPartyNotices(join(import.meta.dir, '..')),
  '../clients/typescript/http-calls.gen.ts': renderClientCalls,
  '../clients/typescript/grpc/rpc-calls.gen.ts': renderRpcCalls,
  '../proto/service-config.json': renderServiceConfig,
  // A Go program embeds only files of its own folder.
  '../clients/go/service-config.json': renderServiceConfig,
  // Served by every gateway.
  '../gateway/transports/rest/openapi.gen.json': () => JSON.stringify(openapiDocument()),
  'openapi.json': () => `${JSON.stringify(openapiDocument(), null, 2)}\n`,
}
