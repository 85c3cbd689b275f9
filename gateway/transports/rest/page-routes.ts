import { readdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import { Elysia } from 'elysia'
import type { Authenticator } from '../../accounts/authenticator.ts'
import { originCheck } from '../shared/authenticate.ts'
import { readStatic, sendStatic, type StaticFile } from './static-file.ts'

/** Scripts, styles and calls only from this server; images also from memory. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const securityHeaders = {
  'content-security-policy': contentSecurityPolicy,
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

export interface PageFiles {
  readonly index: StaticFile
  readonly assets: ReadonlyMap<string, StaticFile>
}

/** Reads the built page into memory: it is small and requested often. */
export async function readPage(folder: string): Promise<PageFiles> {
  const names = (await readdir(join(folder, 'assets'))).filter(
    (name) => !['.br', '.gz'].includes(extname(name)),
  )
  const assets = await Promise.all(
    names.map(async (name) => [name, await readStatic(join(folder, 'assets', name))] as const),
  )
  return { index: await readStatic(join(folder, 'index.html')), assets: new Map(assets) }
}

export function pageRoutes(authenticator: Authenticator, { index, assets }: PageFiles) {
  return new Elysia({ name: 'page' })
    .use(originCheck(authenticator))
    .get('/', ({ request }) =>
      sendStatic(request, index, { ...securityHeaders, 'cache-control': 'no-cache' }),
    )
    .get('/assets/:name', ({ params, request }) => {
      const file = assets.get(params.name)
      // The file name contains a hash of the content.
      const headers = { ...securityHeaders, 'cache-control': 'public, max-age=31536000, immutable' }
      if (file) return sendStatic(request, file, headers)
      throw new Fault('not_found', 'The page has no file of this name.', { remedy: 'Reload the page.' })
    })
}
