import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { buildUi } from './build.ts'

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

  test('is smaller than 75 kB of script and 8 kB of style when compressed', async () => {
    const size = async (suffix: string) =>
      (await Promise.all(plain(suffix).map((name) => Bun.file(join(out, 'assets', name)).size))).reduce(
        (a, b) => a + b,
        0,
      )
    expect(await size('.js.br')).toBeLessThan(75_000)
    expect(await size('.css.br')).toBeLessThan(8_000)
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
