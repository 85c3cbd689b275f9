import { resolve } from 'node:path'
import { Fault, faults } from '@pixelflow/core/fault'
import { Elysia } from 'elysia'
import type { Authenticator } from '../../accounts/authenticator.ts'
import { originCheck } from '../shared/authenticate.ts'
import openapiPath from './openapi.gen.json' with { type: 'file' }
import type { StreamHandlers } from './call-handler.ts'
import { compressStatic, sendStatic, type StaticFile } from './static-file.ts'

/**
 * With `type: 'file'` the import is the path of the file, although the compiler takes it for the content. In a bundle the path is
 * relative to it.
 */
const openapiFile = Bun.file(resolve(import.meta.dir, openapiPath as unknown as string))

/** Everything is served from here, so the documents work offline. The viewer needs inline styles. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
const headers = { 'content-security-policy': contentSecurityPolicy, 'cache-control': 'no-cache' }

/** The OpenAPI document, which `docs/openapi/` renders from the declarations of calls. */
export function openapiHandler(): Pick<StreamHandlers, 'getOpenApi'> {
  const document = lazy(async () => compressStatic('application/json', await openapiFile.bytes()))
  return { getOpenApi: async ({ request }) => sendStatic(request, await document(), headers) }
}

/** A viewer of the OpenAPI document, and the list of error codes. */
export function docsRoutes(authenticator: Authenticator) {
  const viewer = lazy(() => compressStatic('text/html; charset=utf-8', viewerHtml))
  const problems = lazy(() => compressStatic('text/html; charset=utf-8', problemsHtml()))
  const assets: Record<string, () => Promise<StaticFile>> = {
    'swagger-ui-bundle.js': lazy(() => viewerFile('swagger-ui-bundle.js')),
    'swagger-ui.css': lazy(() => viewerFile('swagger-ui.css')),
    'favicon-32x32.png': lazy(() => viewerFile('favicon-32x32.png')),
    'start.js': lazy(() => compressStatic('text/javascript; charset=utf-8', startScript)),
  }
  return new Elysia({ name: 'docs' })
    .use(originCheck(authenticator))
    .get('/docs', async ({ request }) => sendStatic(request, await viewer(), headers))
    .get('/docs/problems', async ({ request }) => sendStatic(request, await problems(), headers))
    .get('/docs/assets/:name', async ({ params, request }) => {
      const asset = Object.hasOwn(assets, params.name) ? assets[params.name] : undefined
      if (asset) return sendStatic(request, await asset(), headers)
      throw new Fault('not_found', 'The documents have no file of this name.', { remedy: 'See /docs.' })
    })
}

function lazy<T>(create: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined
  return () => (value ??= create())
}

async function viewerFile(name: string): Promise<StaticFile> {
  const file = Bun.file(Bun.resolveSync(`swagger-ui-dist/${name}`, import.meta.dir))
  return compressStatic(file.type, await file.bytes())
}

const viewerHtml = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>PixelFlow REST API</title>
    <link rel="icon" href="/docs/assets/favicon-32x32.png" />
    <link rel="stylesheet" href="/docs/assets/swagger-ui.css" />
  </head>
  <body>
    <div id="viewer"></div>
    <script src="/docs/assets/swagger-ui-bundle.js"></script>
    <script src="/docs/assets/start.js"></script>
    <noscript>The OpenAPI document is at <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</noscript>
  </body>
</html>
`

const startScript = `SwaggerUIBundle({
  url: '/api/v1/openapi.json',
  dom_id: '#viewer',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  persistAuthorization: false,
})
`

function problemsHtml(): string {
  const rows = Object.entries(faults).map(
    ([code, { http, title, remedy }]) =>
      `      <tr id="${code}"><td><a href="#${code}">${code}</a></td><td>${http}</td><td>${title}</td><td>${remedy}</td></tr>`,
  )
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>PixelFlow error codes</title>
    <link rel="icon" href="/docs/assets/favicon-32x32.png" />
    <style>
      body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
      table { border-collapse: collapse; width: 100% }
      th, td { text-align: left; padding: .4rem .8rem; border-bottom: 1px solid #8884 }
      tr:target { background: #fc08 }
    </style>
  </head>
  <body>
    <h1>Error codes</h1>
    <p>
      An error response is an application/problem+json document. <code>code</code> is one of the codes below,
      <code>detail</code> describes the error, <code>field</code> names the invalid field, <code>remedy</code> is what to
      do, and <code>requestId</code> identifies the request in the log. The API is described at <a href="/docs">/docs</a>.
    </p>
    <table>
      <thead><tr><th>code</th><th>status</th><th>title</th><th>remedy</th></tr></thead>
      <tbody>
${rows.join('\n')}
      </tbody>
    </table>
  </body>
</html>
`
}
