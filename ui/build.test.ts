import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { buildUi } from './build.ts'
import { initialRecipe } from './recipe/initial-recipe.ts'

let out: string
let assets: string[]
let html: string

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'pixelflow-ui-'))
  await buildUi(out)
  assets = await readdir(join(out, 'assets'))
  html = await Bun.file(join(out, 'index.html')).text()
}, 30_000)
afterAll(() => rm(out, { recursive: true, force: true }))

const plain = (suffix: string) => assets.filter((name) => name.endsWith(suffix))
const only = (name: RegExp) => assets.find((one) => name.test(one)) ?? ''
const text = (name: string) => Bun.file(join(out, 'assets', name)).text()

describe('buildUi', () => {
  test('puts a content hash into the name of every file but the page', () => {
    for (const name of assets) expect(name).toMatch(/-[0-9a-z]{8,}\.(js|css|svg)(\.br|\.gz)?$/)
  })

  test('refers to exactly the files that exist', () => {
    const named = [...html.matchAll(/(?:src|href)="\/assets\/([^"]+)"/g)].map(([, name]) => name ?? '')
    expect(named.toSorted()).toEqual([...plain('.js'), ...plain('.css'), ...plain('.svg')].toSorted())
  })

  test('has no inline script or style, so that it works under its content security policy', () => {
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/)
  })

  test('loads nothing from other hosts', async () => {
    const sources = [html, ...(await Promise.all([...plain('.js'), ...plain('.css')].map(text)))].join('\n')
    const known = ['http://www.w3.org/', 'https://json-schema.org/', 'http://json-schema.org/']
    const hosts = [...sources.matchAll(/https?:\/\/[a-z0-9.-]+\//gi)].map(([host]) => host)
    expect(hosts.filter((host) => !known.includes(host))).toEqual([])
    expect(sources).not.toMatch(/@import|url\(\s*['"]?(?:https?:)?\/\//)
  })

  test('writes compressed files with the same content', async () => {
    for (const name of ['index.html', ...[...plain('.js'), ...plain('.css')].map((one) => `assets/${one}`)]) {
      const bytes = await Bun.file(join(out, name)).bytes()
      const twin = (suffix: string) => Bun.file(join(out, `${name}${suffix}`)).bytes()
      expect(brotliDecompressSync(await twin('.br')).equals(bytes)).toBe(true)
      expect(gunzipSync(await twin('.gz')).equals(bytes)).toBe(true)
    }
  })

  test('draws the first state without a script, and accepts no input before the script has it', () => {
    const app = /<div id="app" inert>(.*)<\/div>\n {4}<noscript>/s.exec(html)?.[1] ?? ''
    for (const text of [
      'PixelFlow</span>',
      'Drop an image here',
      `>${initialRecipe.text}</textarea>`,
      '>Run<',
    ])
      expect(app).toContain(text)
  })

  test('has the parser of recipes and zod in a script of their own, which is loaded with the first', async () => {
    const first = await text(only(/^main-.*\.js$/))
    const parser = only(/^recipe-parser-.*\.js$/)
    expect(html).toContain(`<link rel="modulepreload" fetchpriority="low" href="/assets/${parser}" />`)
    expect(first).toContain(parser)
    expect(first).not.toContain('$ZodType')
    expect(await text(parser)).toContain('$ZodType')
  })

  // In bytes, compressed with Brotli. The whole page needs one round of requests.
  test.each([
    ['the HTML', /^index\.html$/, 2000],
    ['the style', /^main-.*\.css$/, 6000],
    ['the first script', /^main-.*\.js$/, 39_500],
    ['the parser of recipes', /^recipe-parser-.*\.js$/, 34_500],
    ['all scripts', /\.js$/, 74_000],
  ])('%s is small', (_, name, most) => {
    const names = ['index.html', ...assets].filter((one) => name.test(one))
    const sizes = names.map(
      (one) => Bun.file(join(out, one === 'index.html' ? '' : 'assets', `${one}.br`)).size,
    )
    expect(sizes.length).toBeGreaterThan(0)
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(most)
  })

  test('is deterministic: the same source gives the same names', async () => {
    const again = await mkdtemp(join(tmpdir(), 'pixelflow-ui-'))
    try {
      await buildUi(again)
      expect((await readdir(join(again, 'assets'))).toSorted()).toEqual(assets.toSorted())
    } finally {
      await rm(again, { recursive: true, force: true })
    }
  })
})
