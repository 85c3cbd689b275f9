import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

const here = import.meta.dir

/** Files that browsers cache without revalidation: their names contain a hash of their content. */
const naming = { entry: '[name]-[hash].[ext]', chunk: '[name]-[hash].[ext]', asset: '[name]-[hash].[ext]' }

/**
 * Builds the page into `outDir`, which is emptied first: `index.html` with the page in its first state, `assets/*` with
 * content hashes in their names, and a `.br` and a `.gz` file for each. Needs no network. @throws Error with the bundler's
 * messages if it fails.
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
      script: nameOf(page, '.js', 'main-'),
      style: nameOf(page, '.css'),
      chunks: page.filter((file) => file.endsWith('.js') && !file.startsWith('main-')),
      body: await prerender(outDir),
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
    // The parser of recipes is loaded after the page was drawn.
    splitting: format === 'esm',
    minify: true,
    sourcemap: 'none',
    naming,
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  return built.outputs.map((one) => one.path.slice(outdir.length + 1))
}

/**
 * The HTML of the page in its first state. Its components are bundled first, because Bun reads how to compile JSX from the
 * `tsconfig.json` of the working folder when it imports a file, and from that of the file when it bundles.
 */
async function prerender(outDir: string): Promise<string> {
  const built = await Bun.build({
    entrypoints: [join(here, 'prerender.tsx')],
    outdir: outDir,
    target: 'bun',
    naming: { entry: '[name]-[hash].[ext]' },
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  const path = built.outputs[0]?.path ?? ''
  const program = (await import(path)) as { prerender(): string }
  await rm(path)
  return program.prerender()
}

function nameOf(files: readonly string[], suffix: string, prefix = ''): string {
  const found = files.find((file) => file.startsWith(prefix) && file.endsWith(suffix))
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
function indexHtml(names: {
  icon: string
  early: string
  script: string
  style: string
  /** Scripts that the first one imports, at once or later. */
  chunks: readonly string[]
  body: string
}): string {
  const preloads = names.chunks.map(
    (name) => `    <link rel="modulepreload" fetchpriority="low" href="/assets/${name}" />\n`,
  )
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
${preloads.join('')}  </head>
  <body>
    <div id="app" inert>${names.body}</div>
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
