import { expect, test } from 'bun:test'
import { displayFormat } from './display-format.ts'
import { nameResultFile } from './name-result-file.ts'

test.each([
  ['photo.jpg', { name: 'default', format: 'webp' }, 'photo.webp'],
  ['photo.jpeg', { name: 'default', format: 'jpeg' }, 'photo.jpg'],
  ['photo.jpg', { name: 'default', format: 'jpeg' }, 'photo.out.jpg'],
  ['photo.jpg', { name: 'thumb', format: 'avif' }, 'photo.thumb.avif'],
  ['no ending', { name: 'default', format: 'png' }, 'no ending.png'],
  ['my.holiday.photo.png', { name: 'default', format: 'webp' }, 'my.holiday.photo.webp'],
  ['.jpg', { name: 'default', format: 'jpeg' }, 'image.jpg'],
] as const)('a result of %s as %j is saved as %s', (source, output, name) => {
  expect(nameResultFile(source, output)).toBe(name)
})

test('formats have their usual spelling', () => {
  expect(['jpeg', 'webp', 'avif'].map(displayFormat)).toEqual(['JPEG', 'WebP', 'AVIF'])
})
