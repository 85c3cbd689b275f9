import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

const here = import.meta.dir

/** Files that browsers cache without revalidation: their names contain a hash of their content. */
const naming = { entry: '[name]-[hash].[ext]', chunk: '[name]-[hash].[ext]', asset: '[name]-[hash].[ext]' }

/**
 * Builds the page into `outDir`, which is emptied first: `index.html`, `assets/*` with content hashes in their names,
 * and a `.br` and a `.gz` file for each. Needs no network. @throws Error with the bundler's messages if it fails.
 */
export async function buildUi(outDir: string): Promise<void> {
  await rm(outDir, { recursive: true, force: true })
  const assets = join(outDir, 'assets')
  await mkdir(assets, { recursive: true })

  const page = await bundle('main.tsx', assets, 'esm')
  const early = await bundle('theme-early.ts', assets, 'iife')
  const icon = await copyHashed(join(here, 'icon.svg'), assets)
  await Bun.write(
    join(outDir, 'index.html'),
    indexHtml({
      icon,
      early: nameOf(early, '.js'),
      script: nameOf(page, '.js'),
      style: nameOf(page, '.css'),
    }),
  )
  await compressAll([outDir, assets])
}

async function bundle(entry: string, outdir: string, format: 'esm' | 'iife'): Promise<string[]> {
  const built = await Bun.build({
    entrypoints: [join(here, entry)],
    outdir,
    target: 'browser',
    format,
    minify: true,
    sourcemap: 'none',
    naming,
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  return built.outputs.map((one) => one.path.slice(outdir.length + 1))
}

function nameOf(files: readonly string[], suffix: string): string {
  const found = files.find((file) => file.endsWith(suffix))
  if (found === undefined) throw new Error(`The bundler wrote no ${suffix} file.`)
  return found
}

async function copyHashed(path: string, outdir: string): Promise<string> {
  const bytes = await Bun.file(path).bytes()
  const hash = new Bun.CryptoHasher('sha256').update(bytes).digest('hex').slice(0, 8)
  const name = `icon-${hash}.svg`
  await Bun.write(join(outdir, name), bytes)
  return name
}

/** No inline script or style: the content security policy of the page forbids both. */
function indexHtml(names: { icon: string; early: string; script: string; style: string }): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
    <meta name="color-scheme" content="light dark" />
    <meta name="theme-color" media="(prefers-color-scheme: light)" content="#f3f3f1" />
    <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#131315" />
    <meta name="description" content="Drop an image, write a recipe, and watch the result appear." />
    <title>PixelFlow</title>
    <link rel="icon" type="image/svg+xml" href="/assets/${names.icon}" />
    <link rel="stylesheet" href="/assets/${names.style}" />
    <script src="/assets/${names.early}"></script>
    <script type="module" src="/assets/${names.script}"></script>
  </head>
  <body>
    <div id="app"></div>
    <noscript>This page needs JavaScript. Enable it, or use the API described at /docs.</noscript>
  </body>
</html>
`
}

async function compressAll(folders: readonly string[]): Promise<void> {
  const files = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(folder, { withFileTypes: true }))
        .filter((one) => one.isFile())
        .map((one) => join(folder, one.name)),
    ),
  )
  await Promise.all(files.flat().map(compress))
}

async function compress(path: string): Promise<void> {
  const bytes = await Bun.file(path).bytes()
  const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY }
  await Promise.all([
    Bun.write(`${path}.br`, await promisify(brotliCompress)(bytes, { params: quality })),
    Bun.write(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 })),
  ])
}

if (import.meta.main) await buildUi(join(here, 'dist'))
