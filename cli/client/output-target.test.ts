import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSourceFile } from './source-file.ts'
import { describeMismatch, parseOutputTarget } from './output-target.ts'

let cwd: string
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'pixelflow-target-'))
  await writeFile(join(cwd, 'photo.jpg'), Uint8Array.of(0xff, 0xd8, 0xff, 0xe0))
  await writeFile(join(cwd, 'empty.jpg'), '')
  await writeFile(join(cwd, 'notes.txt'), 'a text of some length')
  await symlink('photo.jpg', join(cwd, 'link.jpg'))
  await mkdir(join(cwd, 'there'))
})
afterAll(() => rm(cwd, { recursive: true, force: true }))

async function target(argument: string | undefined, names = ['default'], force = false) {
  const sourcePath = join(cwd, 'photo.jpg')
  return parseOutputTarget(argument, {
    stem: 'photo',
    sourcePath,
    names,
    cwd,
    force,
    extensionChoosesFormat: true,
  })
}
const one = { name: 'default', format: 'webp' } as const
const thumb = { name: 'thumb', format: 'jpeg' } as const

describe('the target of results', () => {
  test('a file, whose extension states a format', async () => {
    const found = await target('out.AVIF')
    expect([found.pathOf(one), found.format]).toEqual([join(cwd, 'out.AVIF'), 'avif'])
    expect((await target('out')).format).toBeUndefined()
  })

  test.each(['out.gif', 'out.bmp', 'out.HEIC', 'out.xyz', '{stem}.tmp'])('%s is refused', async (name) => {
    await expect(target(name)).rejects.toMatchObject({
      reason: 'usage',
      remedy: expect.stringContaining('.webp'),
    })
  })

  test('without -o: a file in the current folder, named after the source', async () => {
    expect((await target(undefined)).pathOf(one)).toBe(join(cwd, 'photo.out.webp'))
    expect((await target(undefined, ['a', 'thumb'])).pathOf(thumb)).toBe(join(cwd, 'photo.thumb.jpg'))
  })

  test('a folder that exists or will be created', async () => {
    expect((await target('there')).pathOf(one)).toBe(join(cwd, 'there/photo.webp'))
    const made = await target('new/deep/', ['a', 'thumb'])
    await made.prepare()
    expect(made.pathOf(thumb)).toBe(join(cwd, 'new/deep/photo.thumb.jpg'))
    await writeFile(made.pathOf(thumb), 'x')
  })

  test('a pattern', async () => {
    const found = await target('out/{name}/{stem}-x.{ext}', ['a', 'thumb'])
    expect(found.pathOf(thumb)).toBe(join(cwd, 'out/thumb/photo-x.jpg'))
  })

  test('the fixed extension of a pattern states a format, like that of a file', async () => {
    expect((await target('s1/{stem}.webp')).format).toBe('webp')
    expect((await target('o{name}.avif', ['a', 'b'])).format).toBe('avif')
    await expect(target('o{name}.tiff')).rejects.toMatchObject({
      message: 'Results cannot be written as .tiff.',
    })
    expect((await target('{stem}.{ext}')).format).toBeUndefined()
    await expect(target('{stem}.gif')).rejects.toMatchObject({
      message: 'Results cannot be written as .gif.',
    })
  })

  test.each(['{stm}.webp', 'out/{}.png'])('an unknown placeholder is refused: %s', async (pattern) => {
    await expect(target(pattern)).rejects.toMatchObject({
      code: 2,
      message: `Unknown placeholder ${/\{.*\}/.exec(pattern)?.[0]}. The placeholders are {stem}, {name}, {ext}.`,
    })
  })

  test('an extension that does not match the content is reported', () => {
    expect(describeMismatch('out.xyz', 'jpeg')).toBe('.xyz is not a known extension; the file contains jpeg')
    expect(describeMismatch('out.png', 'webp')).toBe('the file contains webp')
    expect([describeMismatch('out.JPG', 'jpeg'), describeMismatch('out', 'jpeg')]).toEqual([
      undefined,
      undefined,
    ])
  })

  test('standard output', async () => {
    expect((await target('-')).isStdout).toBe(true)
  })

  test.each(['one.webp', '-', '{stem}.{ext}'])('%s is refused for several outputs', async (argument) => {
    await expect(target(argument, ['a', 'b'])).rejects.toMatchObject({ code: 2, field: '--output' })
  })

  test('a missing folder is refused', async () => {
    await expect(target('missing/out.webp')).rejects.toMatchObject({ code: 2 })
  })

  test.each(['photo.jpg', './photo.jpg', 'link.jpg'])(
    'the source is not overwritten by accident: %s',
    async (name) => {
      await expect(target(name)).rejects.toMatchObject({
        code: 2,
        remedy: expect.stringContaining('--force'),
      })
      expect((await target(name, ['default'], true)).pathOf({ name: 'default', format: 'jpeg' })).toBe(
        join(cwd, name),
      )
    },
  )
})

describe('the source of an image', () => {
  test('a file, with the media type of its content', async () => {
    expect(await openSourceFile('photo.jpg', cwd)).toMatchObject({
      name: 'photo.jpg',
      bytes: 4,
      mediaType: 'image/jpeg',
    })
  })

  test.each([
    ['nothing.jpg', 'The file nothing.jpg does not exist.'],
    ['there', 'there is a folder, not an image.'],
    ['empty.jpg', 'empty.jpg is empty.'],
    ['notes.txt', 'notes.txt is not an image of a known format.'],
  ])('%s is refused', async (name, message) => {
    await expect(openSourceFile(name, cwd)).rejects.toMatchObject({ code: 2, message })
  })

  test('a compressed SVG file is refused with a remedy', async () => {
    await Bun.write(join(cwd, 'a.svgz'), Bun.gzipSync('<svg/>'))
    await expect(openSourceFile('a.svgz', cwd)).rejects.toMatchObject({
      code: 2,
      remedy: 'Decompress it first, for example with gunzip.',
    })
    await Bun.write(join(cwd, 'a.svg'), '<!-- a --><svg/>')
    expect(await openSourceFile('a.svg', cwd)).toMatchObject({ mediaType: 'image/svg+xml' })
  })

  test('standard input', async () => {
    expect(await openSourceFile('-', cwd)).toMatchObject({ path: null, bytes: null })
  })
})
